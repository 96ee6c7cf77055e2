/* The second half of an import (unpack.h) for images with layers. Private to the two. */
#ifndef IMAGE_UNPACK_LAYERS_H
#define IMAGE_UNPACK_LAYERS_H

#include "base/error.h"
#include "image/importer.h"
#include "image/layer.h"
#include "image/unpack.h"

struct unpacking {
	struct image_store *store;
	const struct archive_file *file;
	const struct image_request *request;
	const struct interrupt *interrupt;
	int spool;                   /* of the first reading; -1 before that */
	struct import_result result; /* of the archive as a whole */
	struct import_image image;   /* when result.layered */
	struct sandbox_strings made; /* names of the layers that came into the store */
};

/*
 * Makes a staging directory and has `importer` work in it, whose mode, archive and limits are the caller's to set.
 * *out_spool is the file for what it leaves behind: the caller closes it.
 * 0 or -errno; in either case *staging is to be removed or published when there is one.
 */
int unpack_stage(const struct unpacking *unpacking, struct importer *importer, struct staging *staging, int *out_spool,
	struct import_result *out, struct import_image *out_image, struct sandbox_error *error);

/* The name in the store of the tree that a layer's stream makes which lists all of its directories. */
void unpack_name_tree(const struct digest *diff, struct digest *out);

/*
 * As layer_publish: the layer's tree is `tree`. That it is new in the store is noted, so that it can be taken back when
 * there comes to be no image of it. 0 or -errno.
 */
int unpack_publish(struct unpacking *unpacking, const struct digest *tree, struct staging *staging,
	struct layer_lease *out, struct sandbox_error *error);

/*
 * Unpacks the layers that the store does not have, publishes them when all are there and what they should be, and leases
 * all. Adds their counts to unpacking->result. 0 or -errno; then nothing of them is left.
 */
int unpack_layers(struct unpacking *unpacking, struct image *out, struct sandbox_error *error);

#endif
