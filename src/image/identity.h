/*
 * The index of archives that were read before: archives/DEVICE-INODE.json says what the file was then and
 * which digest it had. It spares a known archive a second reading, so it must never be wrong: an identity is
 * only recorded when the file was not touched while it was read, and for two seconds before that (a later
 * change could otherwise have the same time stamps on a coarse file system).
 */
#ifndef IMAGE_IDENTITY_H
#define IMAGE_IDENTITY_H

#include <stdbool.h>
#include <sys/stat.h>
#include <time.h>

#include "base/digest.h"
#include "base/error.h"

/* The digest of the file that `status` describes. 0, or -ENOENT when it is not known. */
int identity_find(int store, const struct stat *status, struct digest *out);

/* Whether a file that was `before` when it began to be read at `started`, and is `after` now, may be recorded. */
bool identity_is_settled(const struct stat *before, const struct stat *after, const struct timespec *started);

/* 0 or -errno. */
int identity_record(int store, const struct stat *status, const struct digest *digest, struct sandbox_error *error);

/* Forgets every archive that has this digest. 0 or -errno. */
int identity_forget(int store, const struct digest *digest, struct sandbox_error *error);

/* Forgets those of which no image came. 0 or -errno. */
int identity_collect(int store, struct sandbox_error *error);

#endif
