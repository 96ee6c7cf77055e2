/*
 * Paths below a root directory whose content is hostile: openat2(2) with RESOLVE_IN_ROOT resolves every
 * link as a process with that root would, and never leaves it.
 */
#ifndef ROOTFS_ROOT_PATH_H
#define ROOTFS_ROOT_PATH_H

#include <stdbool.h>
#include <sys/types.h>

#include "base/error.h"

enum root_links {
	ROOT_FOLLOW,    /* symbolic links are followed inside the root */
	ROOT_NO_LINKS,  /* a symbolic link anywhere on the way is an error */
};

/* Opens the existing `path` with `flags` (O_PATH and so on). A descriptor or -errno. */
int root_open(int root, const char *path, int flags, enum root_links links);

/*
 * Opens the directory `path` as O_PATH; missing components are made with `mode`, with ROOT_FOLLOW also
 * behind dangling links. A descriptor or -errno.
 */
int root_make_directory(int root, const char *path, mode_t mode, enum root_links links,
	struct sandbox_error *error);

/*
 * Opens the file `path` as O_PATH; it is made, empty, with its missing parents, also behind a dangling
 * link. Something that is neither a file nor missing is an error. A descriptor or -errno.
 */
int root_make_file(int root, const char *path, mode_t mode, struct sandbox_error *error);

#endif
