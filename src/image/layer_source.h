/* A tree of a layer, for whatever ids the store has it: to be read, not to be mounted. */
#ifndef IMAGE_LAYER_SOURCE_H
#define IMAGE_LAYER_SOURCE_H

#include "base/digest.h"
#include "base/error.h"
#include "image/layer.h"
#include "image/layer_ids.h"
#include "image/store.h"

struct layer_source {
	struct layer_lease lease;
	struct layer_ids ids; /* those that own it: with them in a user namespace it can be read */
};

#define LAYER_SOURCE_INIT {.lease = {.wrapper = -1}}

void layer_source_finish(struct layer_source *source);

/*
 * Leases a tree that has all that the archive said; where there is none, and `lossy`, one that could not keep all. One for
 * many ids comes before one for a single id: its links and FIFOs have owners. 0; -ENOENT, whose cause says why; or -errno.
 */
int layer_source_find(struct image_store *store, const struct digest *tree, bool lossy, struct layer_source *out,
	struct sandbox_error *error);

#endif
