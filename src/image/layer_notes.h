/*
 * What is noted in a directory of trees that lie on top of each other (notes.h). The trees are those of the store, which only
 * the importer has written: a sandbox can write what it likes into the attributes of its own directories.
 */
#ifndef IMAGE_LAYER_NOTES_H
#define IMAGE_LAYER_NOTES_H

#include <stddef.h>
#include <sys/stat.h>

#include "base/error.h"
#include "image/notes.h"

/* The directory, in as many trees as have it; the uppermost first. */
struct layer_notes {
	const int *directories; /* borrowed */
	size_t count;
};

/*
 * Whose the link or FIFO is that is seen as `name` and has this status: what is noted where it comes from; root's when
 * it comes from none of the trees. 0 or -errno.
 */
int layer_notes_owner(const struct layer_notes *notes, const char *name, const struct stat *status, struct file_owner *out);

/* Calls `visit` for each device that would be seen in the directory, of which `seen` is what there is. 0 or -errno. */
int layer_notes_devices(const struct layer_notes *notes, int seen,
	int (*visit)(void *context, const struct note *note, struct sandbox_error *error), void *context,
	struct sandbox_error *error);

#endif
