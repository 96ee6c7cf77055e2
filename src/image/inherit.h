/*
 * Directories that a layer fills without listing them. To the tools that unpack one layer over another they are those
 * of the layers below, with their owners, modes, times and attributes; in overlay, where each layer is a tree of its
 * own, the highest directory of a name is the one that shows, so those have to be copied up.
 */
#ifndef IMAGE_INHERIT_H
#define IMAGE_INHERIT_H

#include <stddef.h>

#include "base/error.h"
#include "base/interrupt.h"
#include "userns/idmap.h"

/*
 * `paths` is a file of `count` paths, each ended by a NUL: directories in the tree root/ of the directory `wrapper`.
 * Each gets what the directory of that name has in the highest of the layers below (`lower`: directories with a root/,
 * the highest first) that can be seen through those above it, and through its own: of what lies below one that hides what
 * was there, nothing is to be seen. Works as root of `map`, until a signal comes. 0 or -errno; E_ARCHIVE_LIMIT for more
 * directories than can be held at once.
 */
int inherit_directories(int wrapper, int paths, const int *lower, size_t lower_count, const struct idmap *map,
	const struct interrupt *interrupt, struct sandbox_error *error);

#endif
