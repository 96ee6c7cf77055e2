/* All images of an archive at once, with their names. */
#ifndef IMAGE_LOAD_H
#define IMAGE_LOAD_H

#include "base/error.h"
#include "image/image.h"
#include "image/store.h"

struct image_list {
	struct image *items; /* leased */
	size_t count;
};

void image_list_finish(struct image_list *images);

/*
 * Imports every image of the archive `path` ("-": standard input) that fits request->choice, or runs on this machine where
 * that says nothing, and gives them the names that the archive has for them; those of other images are taken from them,
 * with a notice. All names or none. When it returns 0 the images survive a power cut. 0 or -errno, as image_resolve.
 */
int image_load(struct image_store *store, const char *path, const struct image_request *request, struct image_list *out,
	struct sandbox_error *error);

#endif
