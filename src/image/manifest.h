/*
 * What a layer's tree was when it was brought to the disk: the file "manifest" in its directory, in the form of
 * tree_list.h. It is made from the finished tree, so it holds what the store has, whoever made that, and it takes nothing
 * from an importer's word.
 */
#ifndef IMAGE_MANIFEST_H
#define IMAGE_MANIFEST_H

#include <stdint.h>

#include "base/error.h"
#include "base/interrupt.h"
#include "userns/idmap.h"

/* Writes it, unless it is there. `wrapper` is the directory of a leased layer. 0 or -errno. */
int manifest_make(int wrapper, struct sandbox_error *error);

struct layer_damage {
	struct layer_fault {
		char *path; /* in the tree; "" for its root */
		char *what; /* "content", "mode, owner", "missing", … */
	} *items;
	size_t count;
	uint64_t entries; /* that were compared */
};

void layer_damage_finish(struct layer_damage *damage);

/*
 * Reads the whole tree of a leased layer and compares it with the manifest. 0, also when there is damage; -ENODATA when the
 * layer has no manifest; -EINTR after a signal; or -errno.
 */
int manifest_verify(int wrapper, const struct interrupt *interrupt, struct layer_damage *out, struct sandbox_error *error);

/*
 * What the layer takes on the disk: from its manifest, else counted, as root of `map` where the layer does not know its
 * own. 0 where that cannot be known.
 */
uint64_t layer_usage(int wrapper, const struct idmap *map);

#endif
