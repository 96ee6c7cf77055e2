/*
 * What an image says about how it is to be run: config.md of the OCI image spec. Whoever made the image wrote it: every
 * text is checked when it arrives from the importer, and again when it comes out of a record.
 */
#ifndef IMAGE_CONFIG_H
#define IMAGE_CONFIG_H

#include <sandbox/strings.h>

#include "base/error.h"
#include "image/protocol.h"

struct json_object;

/* Strings are owned; what the image does not say is empty or NULL. */
struct image_config {
	struct sandbox_strings env; /* NAME=VALUE */
	struct sandbox_strings entrypoint;
	struct sandbox_strings command;
	struct sandbox_strings ports;  /* 80/tcp */
	struct sandbox_strings labels; /* KEY=VALUE */
	struct sandbox_strings names;  /* that the archive gives to it */
	struct sandbox_strings history; /* IMPORT_TEXT_HISTORY, the oldest step first */
	char *user;        /* USER[:GROUP] */
	char *workdir;     /* absolute */
	char *stop_signal;
	char *platform;    /* OS/ARCHITECTURE[/VARIANT] */
};

void image_config_finish(struct image_config *config);

/*
 * Takes a text. -EINVAL with E_ARCHIVE_HOSTILE for what cannot be meant: no UTF-8, an assignment without a name, a user
 * with other than word characters, a working directory that is not absolute. 0 or -errno.
 */
int image_config_add(struct image_config *config, enum import_text_kind kind, const char *text,
	struct sandbox_error *error);

/* As an object of a record, and back: 0 or -errno. `path` names the object in errors. */
struct json_object *image_config_describe(const struct image_config *config);
int image_config_read(struct json_object *object, const char *path, struct image_config *out,
	struct sandbox_error *error);

#endif
