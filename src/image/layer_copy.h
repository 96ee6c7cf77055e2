/*
 * The same layer for other ids. A tree belongs to the ids of one map, and an ordinary user cannot have it shown
 * under another (idmapped mounts of ext4 want the host's root): so each map has a tree of its own. One that is there
 * already is the source for the next; it is read by a helper in a user namespace that has the ids of both.
 */
#ifndef IMAGE_LAYER_COPY_H
#define IMAGE_LAYER_COPY_H

#include <sandbox/progress.h>

#include "base/digest.h"
#include "base/error.h"
#include "base/interrupt.h"
#include "image/layer.h"
#include "image/store.h"
#include "userns/idmap.h"

struct layer_copy {
	const struct digest *tree;
	const struct idmap *map;
	const struct interrupt *interrupt; /* a signal ends the copy */
	const struct sandbox_progress *progress; /* or NULL */
	uint64_t size; /* about how many bytes it will be; 0 when unknown: for `progress` */
};

/*
 * Makes the tree for this map from one of the store's and publishes it, with a lease. Another process that makes the
 * same is waited for. *out_lost counts the owners and capabilities that a single id cannot keep.
 *
 * 0; -ENOENT when the store has no tree from which all can be had again, or only one whose ids are not this user's
 * any more (the error says which); or -errno: E_NO_SPACE, E_ID_UNMAPPED, or what userns_start says.
 */
int layer_copy(struct image_store *store, const struct layer_copy *copy, struct layer_lease *out, uint64_t *out_lost,
	struct sandbox_error *error);

#endif
