/* The name of an archive entry: checked, brought to one spelling, relative to the root of the tree. */
#ifndef IMPORTER_ENTRY_PATH_H
#define IMPORTER_ENTRY_PATH_H

#include <stddef.h>
#include <stdint.h>

#include "base/error.h"

enum { ENTRY_PATH_SIZE = 64 << 10 };

struct entry_path {
	size_t length;
	size_t name;                /* where the last component begins */
	size_t depth;               /* components; 0 is the root itself */
	char text[ENTRY_PATH_SIZE]; /* "usr/bin/env"; "" is the root */
};

/*
 * Empty and "." components are dropped. Refused with E_ARCHIVE_HOSTILE: an empty or absolute name, and
 * "..". Refused with E_ARCHIVE_LIMIT: more than `depth_limit` components or ENTRY_PATH_SIZE bytes.
 * `what` ("entry", "hard link to") is for the error. 0 or -errno; after an error *out is not to be used.
 */
int entry_path_parse(const char *raw, uint64_t depth_limit, const char *what, struct entry_path *out,
	struct sandbox_error *error);

/* A refusal that names an entry: E_ARCHIVE_HOSTILE with `why` as the cause. -EINVAL. */
int entry_refuse(struct sandbox_error *error, const char *what, const char *name, const char *why);

/* As error_set with `code`, for a system call that failed on an entry: "extract NAME: doing". */
int entry_failed(struct sandbox_error *error, int code, const char *name, const char *doing);

#endif
