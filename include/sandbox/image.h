/*
 * The image store: sandbox-images(1). An image is an archive
 * of a root file system, unpacked; its digest is the SHA-256 of the archive file. All of these may run at the
 * same time in any number of processes. The caller has one thread.
 */
#ifndef SANDBOX_IMAGE_H
#define SANDBOX_IMAGE_H

#include <sandbox/error.h>
#include <sandbox/import_limits.h>
#include <sandbox/locations.h>
#include <sandbox/progress.h>
#include <sandbox/strings.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { SANDBOX_DIGEST_SIZE = 65 }; /* 64 hexadecimal digits and a NUL */

struct sandbox_import_options {
	const char *name;   /* to give to the image; NULL: the one in the archive, where that has one and nobody else */
	const char *userns; /* whose ids its files get, as spec.h has it; NULL: the default */
	const char *platform, *select; /* as spec.h has them; NULL: there is only one image */
	struct sandbox_import_limits limits;
};

/*
 * Imports the archive at the path `archive` ("-": standard input), or finds it in the store. When it returns 0
 * the image survives a power cut. `progress` may be NULL. 0 or -errno.
 */
int sandbox_image_import(const struct sandbox_locations *locations, const char *archive,
	const struct sandbox_import_options *options, const struct sandbox_progress *progress,
	char out_digest[SANDBOX_DIGEST_SIZE], struct sandbox_error *error);

/*
 * Imports all images of an archive (NULL: standard input) with the names that it has for them, taking those of others. Only
 * `userns`, `platform` and `limits` of the options matter. *out are the images, with the names that they got. 0 or -errno.
 */
struct sandbox_images;
int sandbox_image_load(const struct sandbox_locations *locations, const char *archive,
	const struct sandbox_import_options *options, const struct sandbox_progress *progress, struct sandbox_images *out,
	struct sandbox_error *error);

/* Files and commands to which an image owes a layer, or only a setting. */
struct sandbox_history {
	char *created;    /* as the archive has it, or "" */
	char *created_by; /* a command, or "" */
	char *comment;
	bool has_layer;
	uint64_t size;    /* of the files of that layer; 0 where there is none, or where it is not known */
};

struct sandbox_image {
	struct sandbox_strings names;
	char digest[SANDBOX_DIGEST_SIZE];
	struct sandbox_strings layers;     /* digests of the uncompressed tar streams (diff ids), the lowest first */
	char *platform;                    /* OS/ARCHITECTURE[/VARIANT]; NULL when the archive does not say */
	/* What the archive says of how it is to be run; empty or NULL where it does not. */
	struct sandbox_strings env, entrypoint, command, ports, labels, archive_names;
	char *user, *workdir, *stop_signal;
	char *source;                      /* the file's name when it was imported, "-" for standard input */
	char compression[8];               /* "none", "gzip", … */
	int64_t imported;                  /* seconds since the epoch */
	int64_t used;                      /* the same, to within a minute: when it was last run, imported or found again */
	uint64_t archive_bytes;
	uint64_t size;                     /* of all files together */
	uint64_t entries;
	/* What the layer does not have, although the archive had it. */
	uint64_t devices_skipped;
	uint64_t attributes_dropped;
	uint64_t owners_dropped;
};

struct sandbox_images {
	struct sandbox_image *items; /* the oldest first */
	size_t count;
};

/* 0 or -errno. */
int sandbox_image_list(const struct sandbox_locations *locations, struct sandbox_images *out,
	struct sandbox_error *error);
void sandbox_images_finish(struct sandbox_images *images);

/* What `save` writes. */
enum sandbox_save_format {
	SANDBOX_SAVE_DOCKER_ARCHIVE, /* that of docker save; podman and skopeo load it, too */
	SANDBOX_SAVE_OCI_ARCHIVE,    /* a tar of an OCI image layout */
};

/*
 * Writes images, by names or digests, to `fd` as one archive. An image is called there what it was called here; one that
 * was given by its digest has no name. `progress` may be NULL. 0 or -errno.
 */
int sandbox_image_save(const struct sandbox_locations *locations, const char *const *references, size_t count,
	enum sandbox_save_format format, int fd, const struct sandbox_progress *progress, struct sandbox_error *error);

/* The one that `reference` means, as for sandbox_run. 0 or -errno with E_IMAGE_UNKNOWN or E_IMAGE_DAMAGED. */
int sandbox_image_find(const struct sandbox_locations *locations, const char *reference, struct sandbox_image *out,
	struct sandbox_error *error);
void sandbox_image_finish(struct sandbox_image *image);

/* How the image came about, the oldest step first. 0 or -errno as above. */
int sandbox_image_history(const struct sandbox_locations *locations, const char *reference, struct sandbox_history **out,
	size_t *out_count, struct sandbox_error *error);
void sandbox_image_history_free(struct sandbox_history *history, size_t count);

/* Gives the image one more name; that of another image is taken from it. 0 or -errno. */
int sandbox_image_tag(const struct sandbox_locations *locations, const char *reference, const char *name,
	struct sandbox_error *error);

/*
 * Removes the image of that name or digest (at least 12 digits), or only the name where it has others. With `force` all of
 * its names, and also one whose record is damaged; then a missing one is fine. *out_removed (may be NULL) says whether the
 * image itself went. 0, or -errno with E_IMAGE_UNKNOWN or, while a sandbox runs from it, E_IMAGE_IN_USE.
 */
int sandbox_image_remove(const struct sandbox_locations *locations, const char *reference, bool force, bool *out_removed,
	struct sandbox_error *error);

/* What sandbox_image_collect takes, besides what nobody could ever use again. */
struct sandbox_collection {
	bool images;         /* images at all */
	bool named;          /* also those that have a name */
	uint64_t unused_for; /* seconds: only those that nobody used for so long */
	uint64_t size;       /* the longest unused go until the layers take no more on the disk; UINT64_MAX: no matter */
	bool dry_run;        /* only say what it would be */
};

struct sandbox_collected {
	struct sandbox_strings images; /* digests */
	size_t layers;
	uint64_t bytes; /* that all of it took on the disk */
	uint64_t left;  /* that the store takes yet: only counted when a size was given */
};

/*
 * Removes what the collection says, and nothing that is in use. 0 or -errno; E_IMAGE_DAMAGED while a damaged record hides
 * what is needed.
 */
int sandbox_image_collect(const struct sandbox_locations *locations, const struct sandbox_collection *collection,
	struct sandbox_collected *out, struct sandbox_error *error);
void sandbox_collected_finish(struct sandbox_collected *collected);

/* One thing that is not as it was when the image was brought to the disk. */
struct sandbox_fault {
	char *image; /* digest */
	char *layer; /* its name in the store */
	char *path;  /* below the layer's root; "" for itself */
	char *what;  /* "content", "missing", … */
};

struct sandbox_faults {
	struct sandbox_fault *items;
	size_t count;
	size_t layers;    /* that were compared */
	uint64_t entries;
	size_t unknown;   /* layers that could not be, because they are older than manifests, or not on the disk yet */
};

/*
 * Reads the layers of an image (`reference` NULL: of all images) and compares them with what they were. With `discard`, those
 * with a fault are removed, so that the next import makes them again. 0 also when there are faults, or -errno.
 */
int sandbox_image_verify(const struct sandbox_locations *locations, const char *reference, bool discard,
	struct sandbox_faults *out, struct sandbox_error *error);
void sandbox_faults_finish(struct sandbox_faults *faults);

/* What the store takes on the disk. */
struct sandbox_store_usage {
	size_t images, layers;
	uint64_t layer_bytes;
	size_t unneeded;         /* layers that no image has */
	uint64_t unneeded_bytes;
	size_t idle;             /* images that no sandbox runs from now */
	uint64_t idle_bytes;     /* of the layers that only such images have */
	size_t staging;          /* imports and removals under way */
	uint64_t free_bytes;     /* of its file system, for this user */
};

int sandbox_image_usage(const struct sandbox_locations *locations, struct sandbox_store_usage *out,
	struct sandbox_error *error);

/*
 * Removes the whole store, also what subordinate ids own in it, and ends what keeps those ids mapped. 0, or -errno with
 * E_IMAGE_IN_USE.
 */
int sandbox_image_reset(const struct sandbox_locations *locations, struct sandbox_error *error);

#endif
