/* Images of the store as an archive that other tools load. */
#ifndef IMAGE_SAVE_H
#define IMAGE_SAVE_H

#include <sandbox/image.h>
#include <sandbox/progress.h>

#include "base/error.h"
#include "image/store.h"

struct image_save {
	enum sandbox_save_format format;
	int fd; /* where it is written to; a pipe, too: then each layer is kept in the store's staging directory for a while */
	/* Names or digests. An image that is named by its name is called so in the archive; by its digest, nothing. */
	const char *const *references;
	size_t count; /* at least one */
	const struct sandbox_progress *progress; /* or NULL */
};

/*
 * Writes the archive. Each layer is written as a tar stream of its own, deletions included, and its digest is that of what
 * is written: not of the stream that was imported, whose order and format nobody kept. What an archive cannot say, or the
 * store does not have, becomes a notice. 0 or -errno: E_IMAGE_UNKNOWN, E_LAYER_NAME, E_NO_SPACE, or what userns_start says.
 */
int image_save(struct image_store *store, const struct image_save *save, struct sandbox_strings *notices,
	struct sandbox_error *error);

#endif
