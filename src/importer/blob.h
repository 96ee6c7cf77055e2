/*
 * The files of an image that is being looked through: found by digest, or by the path that a manifest names, in an
 * archive's table of contents or, for an OCI layout on disk, by asking for them. JSON of theirs is checked before it is
 * believed: size, digest, syntax.
 */
#ifndef IMPORTER_BLOB_H
#define IMPORTER_BLOB_H

#include <stdbool.h>
#include <stdint.h>

#include "base/digest.h"
#include "base/error.h"
#include "importer/members.h"

struct json_object;

struct blob {
	int fd;
	bool owned; /* the descriptor is to be closed */
	uint64_t offset, size;
};

#define BLOB_INIT {.fd = -1}

void blob_finish(struct blob *blob);

struct blobs {
	const struct members *members; /* NULL: ask `socket` */
	int fd;        /* what the members' offsets are in */
	uint64_t base; /* where the stream begins in there */
	int socket;
};

/* 0 or -errno; -ENOENT, with E_ARCHIVE_FORMAT, when the image does not bring it. *out is to be finished. */
int blob_open(const struct blobs *blobs, const char *digest, struct blob *out, struct sandbox_error *error);
int blob_open_path(const struct blobs *blobs, const char *path, struct blob *out, struct sandbox_error *error);

/*
 * Parses a blob. `name` is for errors; `digest`, unless NULL, is what it must have. -EINVAL with E_ARCHIVE_FORMAT
 * for what is no JSON, E_ARCHIVE_HOSTILE for another digest, E_ARCHIVE_LIMIT for more than a few MiB. 0 or -errno.
 */
int blob_parse(const struct blob *blob, const char *name, const char *digest, struct json_object **out,
	struct sandbox_error *error);

#endif
