/*
 * The image store: sandbox-import(1), sandbox-images(1), sandbox-rmi(1), sandbox-reset(1). An image is an archive
 * of a root file system, unpacked; its digest is the SHA-256 of the archive file. All of these may run at the
 * same time in any number of processes. The caller has one thread.
 */
#ifndef SANDBOX_IMAGE_H
#define SANDBOX_IMAGE_H

#include <sandbox/error.h>
#include <sandbox/locations.h>
#include <sandbox/progress.h>
#include <sandbox/strings.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { SANDBOX_DIGEST_SIZE = 65 }; /* 64 hexadecimal digits and a NUL */

/* What an archive may cost. Each is compared before the next byte, entry or directory is taken. */
struct sandbox_import_limits {
	uint64_t stream_bytes;   /* the uncompressed tar stream */
	uint64_t apparent_bytes; /* sizes of all files together, holes counted */
	uint64_t entries;
	uint64_t depth;          /* components of a path */
	uint64_t ratio;          /* uncompressed bytes for each byte of the file, beyond 64 MiB */
	uint64_t memory;         /* bytes that the importer may allocate */
};

#define SANDBOX_IMPORT_LIMITS_DEFAULT \
	{ \
		.stream_bytes = 64ull << 30, .apparent_bytes = 1ull << 40, .entries = 4000000, .depth = 512, \
		.ratio = 2000, .memory = 512ull << 20, \
	}

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

struct sandbox_image {
	struct sandbox_strings names;
	char digest[SANDBOX_DIGEST_SIZE];
	struct sandbox_strings layers;     /* digests of the uncompressed tar streams (diff ids), the lowest first */
	char *platform;                    /* OS/ARCHITECTURE[/VARIANT]; NULL when the archive does not say */
	char *source;                      /* the file's name when it was imported, "-" for standard input */
	char compression[8];               /* "none", "gzip", … */
	int64_t imported;                  /* seconds since the epoch */
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

/*
 * Removes the image of that name or digest (at least 12 digits), or only the name where it has others.
 * *out_removed (may be NULL) says whether the image itself went. 0, or -errno with E_IMAGE_UNKNOWN or, while a
 * sandbox runs from it, E_IMAGE_IN_USE.
 */
int sandbox_image_remove(const struct sandbox_locations *locations, const char *reference, bool *out_removed,
	struct sandbox_error *error);

/*
 * Removes the whole store, also what subordinate ids own in it, and ends what keeps those ids mapped. 0, or -errno with
 * E_IMAGE_IN_USE.
 */
int sandbox_image_reset(const struct sandbox_locations *locations, struct sandbox_error *error);

#endif
