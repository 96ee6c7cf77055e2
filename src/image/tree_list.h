/* The entries of a tree, in order, with all that makes them what they are. */
#ifndef IMAGE_TREE_LIST_H
#define IMAGE_TREE_LIST_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

#include "base/error.h"

struct tree_totals {
	uint64_t entries;
	uint64_t bytes; /* of all files, holes counted */
	uint64_t disk;  /* that the tree takes there */
};

/*
 * Writes an entry for everything below the directory `root`, and for itself, and then the totals, each ended by a NUL:
 *
 *	TYPE MODE UID GID SIZE MTIME LINKS CONTENT ATTRIBUTES PATH
 *	total ENTRIES BYTES DISK
 *
 * TYPE is a letter, as in ls(1). CONTENT and ATTRIBUTES are digests, "-" for none: of a file's blocks that are not all
 * zeros, each with its offset, so that a hole is the same as zeros; of a link's target; of the names and values of all
 * extended attributes. The order is that of tree_list_compare. With `out` NULL everything is only counted.
 *
 * Nobody may be changing the tree. One directory is open at a time; memory is for the names of the directories on the way
 * to it. 0 or -errno.
 */
int tree_list(int root, FILE *out, struct tree_totals *totals, struct sandbox_error *error);

/* As strcmp(3), by components: a directory comes right before what is in it. */
int tree_list_compare(const char *left, const char *right);

#endif
