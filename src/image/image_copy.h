/* An image that the store has for other ids than those that it is wanted for. */
#ifndef IMAGE_IMAGE_COPY_H
#define IMAGE_IMAGE_COPY_H

#include "base/error.h"
#include "base/interrupt.h"
#include "image/image.h"
#include "image/store.h"

/*
 * Leases the layers of the image with this digest under request->map; those that there are only for other ids are
 * copied (layer_copy.h), after request->before_import was asked. A signal ends it. 0; -ENOENT when there is no such
 * image, or a layer of it cannot be copied: then error->cause says why, or is empty; or -errno, as layer_copy.
 */
int image_copy(struct image_store *store, const char *digest, const struct image_request *request,
	const struct interrupt *interrupt, struct image *out, struct sandbox_error *error);

#endif
