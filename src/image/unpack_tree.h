/* An archive that is unpacked into a staging directory, and becomes no image. */
#ifndef IMAGE_UNPACK_TREE_H
#define IMAGE_UNPACK_TREE_H

#include "base/error.h"
#include "base/interrupt.h"
#include "image/store.h"
#include "userns/idmap.h"

/*
 * Has the importer unpack the archive that `fd` reads, as a root file system would be: with its limits, and refused as a
 * whole when it is damaged or dishonest. The tree is root/ of the staging directory, which the caller removes in either
 * case. 0 or -errno.
 */
int unpack_tree(struct image_store *store, int fd, const struct idmap *map, const struct interrupt *interrupt,
	struct staging *staging, struct sandbox_error *error);

#endif
