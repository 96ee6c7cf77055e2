/* The layers of an image, from records to directories that stay as long as they are in use. */
#ifndef IMAGE_LEASE_H
#define IMAGE_LEASE_H

#include "base/error.h"
#include "image/image.h"
#include "image/layer.h"
#include "image/store.h"

/* Puts the leased layer `name` on top of those that the image has. Takes the lease. */
void image_add_layer(struct image *image, const char *name, const struct layer_lease *lease);

/* Makes an empty image one whose only layer is this folder. Takes the descriptor. */
void image_be_folder(struct image *image, int folder);

/* Whether anything of this layer of the image can be seen, so that it is needed. */
bool image_shows_layer(const struct image_record *record, size_t layer);

/*
 * Leases the layers that can be seen of image->record under this id map; `wait` as for layer_lease. 0, -ENOENT when one
 * of them is missing, or -errno; then the image has some of its layers and is to be finished.
 */
int image_lease_layers(struct image_store *store, struct image *image, const struct idmap *map, bool wait,
	struct sandbox_error *error);

#endif
