/* The same directory in several trees of the store that lie on top of each other. */
#ifndef IMAGE_LAYER_PATH_H
#define IMAGE_LAYER_PATH_H

#include <stdbool.h>
#include <stddef.h>

/* The directory `name` (a path) below another, through no link: a descriptor, or -1 and errno. */
int layer_path_step(int directory, const char *name);

/* Whether it hides what trees below say of it. */
bool layer_path_is_opaque(int directory);

/*
 * The directory `path` of the tree `root`, "" for that itself: a descriptor; -ENOENT when the tree says nothing of it;
 * -ENOTDIR when it hides what the trees below say; or another -errno. *out_hides: it exists, and hides them as well.
 */
int layer_path_open(int root, const char *path, bool *out_hides);

/* For a walk, which asks for the same directory many times. */
struct layer_path {
	const int *roots; /* borrowed; the uppermost first */
	size_t root_count;
	char *path;       /* the one that is open */
	int *directories; /* of it: as many as count says, the uppermost first */
	size_t count;
};

/* Opens it in all trees that say something of it. 0 or -errno. */
int layer_path_enter(struct layer_path *held, const char *path);
void layer_path_finish(struct layer_path *held);

#endif
