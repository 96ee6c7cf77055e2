/* Removing images, and whatever nothing needs any more. */
#ifndef IMAGE_COLLECT_H
#define IMAGE_COLLECT_H

#include <stdbool.h>
#include <stdint.h>

#include <sandbox/strings.h>

#include "base/error.h"
#include "image/record.h"
#include "image/store.h"
#include "userns/idmap.h"

/*
 * Appends the names (TREE-MAPKEY) of the layers that must stay although nobody runs from them at the moment: those of
 * sandboxes which can be started again. It is asked while what shall go is locked: whoever writes down a new need has a
 * lease until that is done, so none is missed. 0, or -errno, and then nothing is removed.
 */
typedef int image_needs_lister(void *context, struct sandbox_strings *out, struct sandbox_error *error);

struct image_collection {
	struct image_store *store;
	const struct idmap *map;          /* of ids that can remove every file; borrowed */
	image_needs_lister *list_needs;   /* or NULL */
	void *context;
	/* Digests of images that are taken for removed, by who only says what would be; or NULL. Borrowed. */
	const struct sandbox_strings *pretended;
};

/*
 * Removes the image that `reference` means, with the layers that nothing else needs; when the reference is one of several
 * names, only that name, unless `force`. With `force`, also one whose record is damaged, or that a kept sandbox stands on,
 * which keeps the layers; and a missing one is fine.
 * *out_removed says whether the image itself went. 0 or -errno: E_IMAGE_UNKNOWN, E_IMAGE_IN_USE, and E_IMAGE_DAMAGED
 * when nobody knows what a damaged image needs.
 */
int image_remove(const struct image_collection *collection, const char *reference, bool force, bool *out_removed,
	struct sandbox_error *error);

/* What garbage collection takes besides what nobody could ever use. */
struct image_policy {
	bool images;        /* images at all */
	bool named;         /* also those that have a name */
	int64_t unused_for; /* seconds: only those that nobody used for so long */
	uint64_t size;      /* of all layers on the disk: the longest unused go until it is reached. UINT64_MAX: no matter */
	bool dry_run;       /* only say what it would be */
};

struct image_collected {
	struct sandbox_strings images; /* digests of what was removed */
	size_t layers;
	uint64_t bytes; /* that it took on the disk */
	uint64_t left;  /* that is taken yet; only counted when the policy names a size */
};

void image_collected_finish(struct image_collected *collected);

/*
 * Collects garbage: what dead processes left, layers that no image has, and the images that the policy says, the longest
 * unused first and never one that is in use. 0 or -errno; -EUCLEAN with E_IMAGE_DAMAGED while a damaged record hides
 * what is needed. That the size could not be reached is no error: out->left tells.
 */
int image_collect(const struct image_collection *collection, const struct image_policy *policy,
	struct image_collected *out, struct sandbox_error *error);

/* For who has published a layer for an image that came to nothing: it goes, unless something needs it, now or with gc. */
void image_take_back_layer(struct image_store *store, const struct idmap *map, const char *name);

/* ---- for collect.c and gc.c ---- */

/* Everything that is known to be needed. */
struct image_demand {
	struct image_records records;
	struct sandbox_strings kept; /* layers */
};

/* 0 or -errno; -EUCLEAN when that cannot be known. */
int image_demand_load(const struct image_collection *collection, struct image_demand *out, struct sandbox_error *error);
void image_demand_finish(struct image_demand *demand);

/* Whether anything but the image `except` (or NULL) needs the layer. */
bool image_demand_has_layer(const struct image_demand *demand, const char *layer, const struct digest *except);

enum image_discard {
	IMAGE_DISCARD,
	IMAGE_DISCARD_KEPT, /* also one that a kept sandbox stands on: its layers stay */
	IMAGE_DISCARD_DRY,  /* only looks whether it could */
};

/*
 * Why the image may go, which others may change until it is locked: its names, and when it was used. Looked at again when
 * nobody can change them any more.
 */
struct image_terms {
	enum image_discard how;
	size_t names; /* it has no more of them */
	const char *name; /* this is one of them; NULL or "": any, or none. Borrowed */
	int64_t used; /* nobody used it after that */
};

/*
 * Removes the image with its names and the layers that are its own. 0, or, with nothing removed: -EBUSY with
 * E_IMAGE_IN_USE, -EAGAIN when the terms do not hold any more, or -errno. Adds to *out (may be NULL).
 */
int image_discard(const struct image_collection *collection, const struct image_record *record,
	const struct image_terms *terms, struct image_collected *out, struct sandbox_error *error);

#endif
