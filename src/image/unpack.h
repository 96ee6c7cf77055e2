/* From an archive to an image in the store: what is done when nobody has it yet. */
#ifndef IMAGE_UNPACK_H
#define IMAGE_UNPACK_H

#include "base/error.h"
#include "base/interrupt.h"
#include "image/archive_file.h"
#include "image/image.h"
#include "image/store.h"

/*
 * Has the importer unpack the archive, publishes its layers and records the image. A signal ends it. 0 or -errno, as
 * image_resolve; then nothing is left but layers that other archives may have, too.
 */
int unpack_archive(struct image_store *store, struct archive_file *file, const struct image_request *request,
	const struct interrupt *interrupt, struct image *out, struct sandbox_error *error);

#endif
