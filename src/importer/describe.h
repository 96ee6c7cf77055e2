/*
 * What an image consists of, read from its manifests and its configuration: the OCI image spec (image-layout,
 * image-index, manifest, config) and the manifest.json of docker save. All of it is an adversary's: it names files of
 * the archive by digests that are checked, or by paths that are looked up in the archive's table of contents alone.
 */
#ifndef IMPORTER_DESCRIBE_H
#define IMPORTER_DESCRIBE_H

#include <sandbox/strings.h>
#include <stddef.h>

#include "base/error.h"
#include "image/protocol.h"
#include "importer/blob.h"

struct image_description {
	struct import_layer *layers; /* the lowest first */
	size_t layer_count;
	struct sandbox_strings texts[IMPORT_TEXT_KINDS];
	size_t fitting; /* images of the archive that fit the choice */
};

void image_description_finish(struct image_description *description);

/*
 * From the manifest.json of docker save: `manifest` is that file. When it lists several images, `choice` must fit
 * one. 0 or -errno: E_ARCHIVE_FORMAT for what is damaged or not understood, E_ARCHIVE_HOSTILE for contradictions,
 * E_ARCHIVE_LIMIT, E_IMAGE_CHOICE.
 */
int describe_docker(const struct blobs *blobs, const struct blob *manifest, const struct import_choice *choice,
	struct image_description *out, struct sandbox_error *error);

/*
 * From the index.json of an OCI layout. Indexes in it are followed. Without a choice of platform, an image for this
 * machine is taken where there are several. 0 or -errno, as describe_docker.
 */
int describe_oci(const struct blobs *blobs, const struct blob *index, const struct import_choice *choice,
	struct image_description *out, struct sandbox_error *error);

/* ---- for those two ---- */

/* Its os, architecture, and variant or "". */
struct platform {
	char os[32], architecture[32], variant[32];
};

/* Whether an image for `platform` is what was asked for, or, when nothing was asked for, runs on this machine. */
bool platform_fits(const struct platform *platform, const struct import_choice *choice);
bool platform_is_asked_for(const struct import_choice *choice);
/* Whether one is meant when so many fit the rest of the choice. */
bool choice_is_made(const struct import_choice *choice, size_t fitting);
/* Strings that are longer than any real one are refused. 0 or -errno. */
int platform_read(struct json_object *object, const char *path, struct platform *out, struct sandbox_error *error);

/* "linux/arm64/v8"; `buffer` is returned. */
const char *platform_format(const struct platform *platform, char *buffer, size_t size);

/*
 * Texts and the diff ids of the layers, from an image's configuration: *out_diffs has as many as the image has
 * layers. 0 or -errno.
 */
int describe_config(struct json_object *config, struct image_description *out, struct sandbox_strings *out_diffs,
	struct sandbox_error *error);

/* 0, or -E2BIG with E_ARCHIVE_LIMIT. `blob` may be NULL or "". */
int describe_add_layer(struct image_description *out, const char *diff, const char *blob, const struct blob *place,
	struct sandbox_error *error);
int describe_add_text(struct image_description *out, enum import_text_kind kind, const char *text,
	struct sandbox_error *error);

/* The hexadecimal part of "sha256:…". 0, or -EINVAL with E_ARCHIVE_FORMAT. */
int describe_digest(const char *text, const char *path, const char **out, struct sandbox_error *error);

/* -EINVAL with E_ARCHIVE_FORMAT: the image is not what it should be, and how. */
int describe_refuse(struct sandbox_error *error, const char *format, ...) __attribute__((format(printf, 2, 3)));
/* -EINVAL with E_ARCHIVE_HOSTILE: `name` is not what it was promised to be. */
int describe_mismatch(struct sandbox_error *error, const char *name, const char *wanted, const char *found);
/* -EINVAL with E_IMAGE_CHOICE: none or several images fit; `listed` says which there are, separated by commas. */
int describe_undecided(struct sandbox_error *error, size_t fitting, const char *listed);

#endif
