/*
 * Walking a tree in the order of its names, so that the same tree is always seen in the same order: a layer of the
 * store, or the root of a sandbox whose commands go on changing it meanwhile, and may want to lead the walk elsewhere.
 * Every object is reached by descriptor and one component at a time, no link is followed, and on the way back up it is
 * checked that the directory is the one that was left.
 *
 * A tree can be compared with its `base`: the same tree before its sandbox wrote to it. Overlay copies up whatever is
 * changed, with all directories above, and what was copied has another time of change (ctime), which nobody can set: so a
 * directory that has the base's is, with all below it, as it was. That needs no access to the writable layer, which of a
 * sandbox that runs is out of everybody's reach, and asks overlay for no private notes.
 */
#ifndef IMAGE_TREE_WALK_H
#define IMAGE_TREE_WALK_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/stat.h>

#include "base/error.h"

enum tree_change {
	TREE_ADDED,   /* also everything where there is no base */
	TREE_CHANGED, /* in the base it was otherwise, or something else; of a directory, something in it was perhaps */
	TREE_DELETED, /* only the base has it: `status` is from there */
};

/* What was come across. Borrowed, and valid during the call. */
struct tree_node {
	const char *path; /* from the root of the walk, without a slash at its beginning; "" for the root itself */
	const char *name; /* the last part of it */
	int directory;    /* which holds it; -1 for the root */
	int fd;           /* a directory or regular file, opened for reading; else -1 */
	struct stat status;
	enum tree_change change;
};

struct tree_walk {
	int root; /* borrowed, as the next */
	int base; /* or -1 */
	/* Called for directories before what is in them. 0, TREE_SKIP, or -errno, which ends the walk. */
	int (*visit)(void *context, const struct tree_node *node, struct sandbox_error *error);
	/* Called when a directory is done with; or NULL. */
	int (*leave)(void *context, const struct tree_node *node, struct sandbox_error *error);
	void *context;
	uint64_t lost; /* filled: objects that were exchanged or removed between two looks at them */
};

enum { TREE_SKIP = 1 /* do not enter this directory */ };

/* 0 or -errno. */
int tree_walk(struct tree_walk *walk, struct sandbox_error *error);

/*
 * Exchanges a directory for the one above it, which must be `expected`: who moved the directory elsewhere would have the
 * walk go on there. 0 or -errno.
 */
int tree_step_up(int *directory, const struct stat *expected, struct sandbox_error *error);

/* Whether the kernel alone decides what is there (/proc, /sys, …): directories of it are not entered. */
bool tree_is_kernels(int fd);

/* A deletion, as overlay keeps it: a character device without a number. */
bool tree_is_whiteout(const struct stat *status);

#endif
