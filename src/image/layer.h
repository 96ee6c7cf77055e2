/*
 * Layers: directories layers/TREE-MAPKEY, each with
 *
 *	root/       the tree; the same tar stream under another id map is another layer
 *	layer.json  when it was written: machine and boot
 *	ids.json    whose ids its files belong to (layer_ids.h)
 *	manifest    what its files are (manifest.h)
 *	durable     exists once all of it was brought to the disk (syncfs(2))
 *
 * TREE is a digest of what makes the tree: that of the tar stream itself where it is a root file system as a whole.
 *
 * A layer without `durable` that another boot of the same machine wrote may have lost data in a power cut: it
 * is discarded. A lease is a shared flock(2) on the directory; removal takes an exclusive one.
 */
#ifndef IMAGE_LAYER_H
#define IMAGE_LAYER_H

#include <stdbool.h>

#include "base/digest.h"
#include "base/error.h"
#include "image/store.h"
#include "userns/idmap.h"

enum { LAYER_NAME_SIZE = DIGEST_HEX_SIZE + IDMAP_KEY_SIZE };

/* "TREE-MAPKEY" */
void layer_name(const struct digest *tree, const struct idmap *map, char out[LAYER_NAME_SIZE]);

struct layer_lease {
	int wrapper; /* the layer's directory, with a shared lock */
	bool durable;
	bool made; /* it came into the store by this lease's own process, a moment ago: layer_publish */
};

/*
 * Leases a layer. 0, or -ENOENT when there is none, or only one that a power cut may have damaged or that is
 * being removed. Without `wait`, one that is being removed counts as gone already. Or -errno.
 */
int layer_lease(struct image_store *store, const char *name, bool wait, struct layer_lease *out,
	struct sandbox_error *error);

/*
 * Publishes the tree root/ in `staging` as the layer `name`, with a lease, and takes `staging`. When there is one
 * already, that is leased instead and `staging` is removed. 0 or -errno.
 */
int layer_publish(struct image_store *store, const struct digest *tree, const struct idmap *map,
	struct staging *staging, struct layer_lease *out, struct sandbox_error *error);

/* Notes what leased layers consist of, brings them to the disk, and records that. 0 or -errno. */
int layers_make_durable(const int *wrappers, size_t count, struct sandbox_error *error);

/*
 * Removes a layer. -EBUSY with E_IMAGE_IN_USE while anybody has a lease; what is gone already is fine. 0 or
 * -errno.
 */
int layer_remove(struct image_store *store, const char *name, const struct idmap *map,
	struct sandbox_error *error);

/*
 * The two halves of that, for who has something to decide in between. While the lock is held nobody gets a lease: the
 * layer's directory, locked, -ENOENT when it is gone, or -errno as above.
 */
int layer_lock(struct image_store *store, const char *name, struct sandbox_error *error);
/* Removes a layer by its lock, which it takes. 0 or -errno. */
int layer_discard(struct image_store *store, const char *name, int *wrapper, const struct idmap *map,
	struct sandbox_error *error);

/* Appends the names of all layers. 0 or -errno. */
int layer_list(struct image_store *store, struct sandbox_strings *out, struct sandbox_error *error);

#endif
