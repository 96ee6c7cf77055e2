/*
 * Copying the tree of a layer so that its files belong to other ids. Runs as root of a user namespace in which both
 * have a place (idmap_cover). What was in the archive is said by names and content that an adversary chose: every
 * object is reached by descriptor, one component at a time, no link is ever followed, and memory does not depend on
 * what is in a file or how deep it lies.
 *
 *	owner and mode      those of the archive. With a single id they are what user.containers.override_stat says, and
 *	                    are recorded there, set-id bits too (importer/attributes.h); of links and FIFOs, at the directory
 *	                    (notes.h), as devices always
 *	times               the last modification
 *	attributes          user.*, also those by which overlay knows an opaque directory: the importer made them. A file
 *	                    capability moves to the root of the other map; with a single id it is recorded
 *	hard links          stay links
 *	holes               stay holes; blocks are shared with the original where the file system can
 */
#ifndef IMAGE_TREE_COPY_H
#define IMAGE_TREE_COPY_H

#include <stdint.h>

#include "base/error.h"
#include "userns/idmap.h"

struct tree_copy_counts {
	uint64_t entries;
	uint64_t bytes; /* of files, holes not counted */
	uint64_t lost;  /* owners that a single id cannot keep, and capabilities of another's root */
};

struct tree_copy {
	int source;
	int target; /* an empty directory */
	int links;  /* another one, on the same file system: where hard links wait for the next of them */
	const struct idmap *from;
	const struct idmap *to;
	const struct idmap *here; /* of this namespace */
	void (*progress)(void *context, const struct tree_copy_counts *counts); /* called often; or NULL */
	void *context;
};

/* 0 or -errno: E_NO_SPACE; E_ID_UNMAPPED for an owner who has no place in `to`. */
int tree_copy(const struct tree_copy *copy, struct tree_copy_counts *out, struct sandbox_error *error);

#endif
