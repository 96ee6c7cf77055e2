/*
 * The caller's holders: processes that each keep a user namespace in which his subordinate ids are mapped already
 * (src/holder/main.c). They live in RUNTIME/holders, one for each id map, and are never counted on: without one a run
 * has its ids mapped by newuidmap(1), as ever.
 */
#ifndef RUNTIME_HOLDER_H
#define RUNTIME_HOLDER_H

#include <stdint.h>

#include "base/error.h"
#include "userns/idmap.h"

/* Descriptors, or -1. */
struct held {
	int userns;  /* with these ids, for a sandbox to have its own inside of it */
	int inside;  /* such a one, which no other sandbox is given */
	int network; /* belongs to that one, and its loopback interface is up */
};

#define HELD_INIT {.userns = -1, .inside = -1, .network = -1}

/*
 * Asks the holder of this map, where there is one, and does not wait: a socket for holder_open, or -1. It is the caller's
 * to close.
 */
int holder_call(const char *runtime, const struct idmap *map, uint64_t idle);

/*
 * What the holder of this map has, who may have been called before (or -1); or, where none answers, a user namespace made
 * now and given to a new one, which ends after `idle` milliseconds without a run. 0 or -errno. What comes from the holder
 * is not to be believed: compare the map of what is made inside (userns_verify_maps).
 */
int holder_open(const char *runtime, const struct idmap *map, uint64_t idle, int call, struct held *out,
	struct sandbox_error *error);

void held_close(struct held *held);

/* Ends the holders of the caller, all of them. */
void holders_end(const char *runtime);

/* Removes what holders left that were killed. */
void holders_sweep(const char *runtime);

#endif
