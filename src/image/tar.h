/*
 * Writing tar streams in the pax interchange format: pax(1), with the extensions that GNU tar, libarchive and Go's
 * archive/tar read alike: SCHILY.xattr.NAME, and GNU.sparse version 1.0.
 *
 * Written by hand and not by libarchive, because there is nothing here to parse: it is a tenth of what a helper program
 * would cost to start, and the same tree gives the same bytes, whatever version of a library there is.
 */
#ifndef IMAGE_TAR_H
#define IMAGE_TAR_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>
#include <time.h>

#include "base/digest.h"
#include "base/error.h"

enum { TAR_BLOCK = 512 };

/* A stream under way. Plain data but for `buffer`; tar_finish releases that. */
struct tar_writer {
	int fd;       /* borrowed */
	bool digested; /* whether `digest` is kept: it costs as much as the reading */
	struct digest_stream digest;
	uint64_t size; /* of all that was written, the buffer's content included */
	unsigned char *buffer;
	size_t used;
};

/* A stretch of a sparse file that is data. */
struct tar_extent {
	uint64_t offset, size;
};

struct tar_attribute {
	const char *name; /* without "=", which the format has no way to say */
	const void *value;
	size_t size;
};

/* What a header says. All is borrowed. */
struct tar_entry {
	const char *path;   /* relative; that of a directory ends in a slash */
	mode_t mode;        /* with the type: regular, directory, symbolic link, FIFO, device */
	uint32_t uid, gid;
	uint64_t size;      /* of a regular file, holes included */
	struct timespec modified;
	const char *link;   /* where a symbolic link leads; with `hard_link`: the path of the other name */
	bool hard_link;
	dev_t device;
	const struct tar_attribute *attributes;
	size_t attribute_count;
	const struct tar_extent *extents; /* of a sparse file, in their order; `sparse` says whether it is one */
	size_t extent_count;
	bool sparse;
	bool fixed; /* the header takes TAR_FIXED_HEADER bytes, whatever the size: it is written when that is known */
};

enum { TAR_FIXED_HEADER = 3 * TAR_BLOCK };

/* 0 or -errno. To be finished in either case. */
int tar_start(struct tar_writer *writer, int fd, bool digested, struct sandbox_error *error);
void tar_finish(struct tar_writer *writer);

/* The header of the next entry. As many bytes as it has, or its extents have, are to follow, and then tar_pad. */
int tar_header(struct tar_writer *writer, const struct tar_entry *entry, struct sandbox_error *error);
int tar_data(struct tar_writer *writer, const void *data, size_t size, struct sandbox_error *error);

/*
 * A place in the stream for up to TAR_ROOM bytes of data, and how many of them were put there: spares a copy. *out_room
 * is at least 1. 0 or -errno.
 */
int tar_reserve(struct tar_writer *writer, unsigned char **out_place, size_t *out_room, struct sandbox_error *error);
void tar_commit(struct tar_writer *writer, size_t size);

/* The error of a write with this number. Returns like error_set. */
int tar_write_failed(int code, struct sandbox_error *error);

/* All that waits in the buffer goes out. */
int tar_flush(struct tar_writer *writer, struct sandbox_error *error);

/* Up to the next block. */
int tar_pad(struct tar_writer *writer, struct sandbox_error *error);

/* The marker of the end, and all that waits in the buffer. `out_digest` may be NULL. 0 or -errno. */
int tar_end(struct tar_writer *writer, struct digest *out_digest, struct sandbox_error *error);

#endif
