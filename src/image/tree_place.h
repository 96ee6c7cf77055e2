/*
 * Copying files between a sandbox and the host, in either direction: cp of sandbox(1). Runs as root of a user namespace of the
 * sandbox's ids. Either side may be changed meanwhile by who wants to lead the copy elsewhere: everything is reached by
 * descriptor, one name at a time, and no link is followed.
 *
 * A file is there once it is complete, in the place of what was called so; a directory that is there already stays what it
 * is, and gets more in it. Attributes are user.* but for overlay's and ours; device nodes and sockets are left out.
 */
#ifndef IMAGE_TREE_PLACE_H
#define IMAGE_TREE_PLACE_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/stat.h>

#include "base/error.h"

struct tree_place {
	bool keeps_owners; /* those of the originals, as this namespace sees them; else: */
	uid_t uid;
	gid_t gid;
	bool keeps_set_ids;
};

struct tree_place_counts {
	uint64_t left_out; /* device nodes and sockets */
	uint64_t lost;     /* what was exchanged, removed or shortened between two looks */
	uint64_t attributes; /* user.* ones that the file system copied to does not keep */
};

/* Everything in the directory `source` into the directory `target`. 0 or -errno. */
int tree_place_contents(const struct tree_place *place, int source, int target, struct tree_place_counts *counts,
	struct sandbox_error *error);

/*
 * One object as `name` in the directory `target`: a directory with all that is in it. `source` is open for reading, or only
 * by path where it is neither a file nor a directory. 0 or -errno.
 */
int tree_place_object(const struct tree_place *place, int source, int target, const char *name,
	struct tree_place_counts *counts, struct sandbox_error *error);

#endif
