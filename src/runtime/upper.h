/*
 * A writable layer on disk, for a sandbox that goes when it ends: a locked directory below the state directory. That
 * nobody holds the lock tells that its tool was killed.
 */
#ifndef RUNTIME_UPPER_H
#define RUNTIME_UPPER_H

#include "base/error.h"
#include "userns/idmap.h"

struct upper_layer {
	int lock;                  /* the directory, or -1 */
	char *path;
	const struct idmap *idmap; /* whose ids own what is in it; borrowed */
};

#define UPPER_LAYER_INIT {.lock = -1}

/* Makes an empty one, which the root of `idmap` can use. 0 or -errno; remove in either case. */
int upper_make(struct upper_layer *upper, const char *state, const struct idmap *idmap, struct sandbox_error *error);

/*
 * Makes the directory `name` for the layer of a sandbox that is kept, which the root of `idmap` can use. 0 or -errno.
 */
int upper_make_kept(int directory, const char *name, const struct idmap *idmap, struct sandbox_error *error);

/* Removes `name` with all that is in it, whichever ids of `idmap` own that. 0 or -errno. */
int upper_remove_tree(int directory, const char *name, const struct idmap *idmap, struct sandbox_error *error);

/* Removes it with all that is in it. Idempotent. */
void upper_remove(struct upper_layer *upper);

/* Removes those whose tool was killed, as far as `idmap` allows. */
void uppers_sweep(const char *state, const struct idmap *idmap);

#endif
