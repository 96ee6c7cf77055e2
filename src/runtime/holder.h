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

/*
 * A user namespace of this map, from the holder or, where none answers, made now and given to a new one, which ends
 * after `idle` milliseconds without a run. A descriptor or -errno. What comes from the holder is not to be believed:
 * compare the map of what is made inside (userns_verify_maps).
 */
int holder_open(const char *runtime, const struct idmap *map, uint64_t idle, struct sandbox_error *error);

/* Ends the holders of the caller, all of them. */
void holders_end(const char *runtime);

/* Removes what holders left that were killed. */
void holders_sweep(const char *runtime);

#endif
