/*
 * Pausing a sandbox while something is taken from it. It always goes on: the signals that would end us wait meanwhile, and
 * when we are killed all the same, a process of ours that only waits for our end unpauses it.
 */
#ifndef RUNTIME_PAUSING_H
#define RUNTIME_PAUSING_H

#include <sandbox/locations.h>
#include <stdbool.h>
#include <sys/types.h>

#include "base/error.h"
#include "base/interrupt.h"
#include "runtime/registry.h"

struct pausing {
	const struct sandbox_locations *locations; /* borrowed, as the next */
	const char *id;
	int lock; /* who else would take something waits, and who would pause it, or let it go on, by hand is refused */
	struct interrupt interrupt; /* for who waits meanwhile */
	pid_t guard;
	int word; /* a pipe: its end without a byte before is ours */
};

#define PAUSING_INIT {.lock = -1, .interrupt = INTERRUPT_INIT, .guard = 0, .word = -1}

/*
 * The sandbox has a control group. 0 or -errno, EBUSY with E_SANDBOX_STATE where somebody has paused it by hand meanwhile; to
 * be finished in either case.
 */
int pausing_start(struct pausing *pausing, const struct sandbox_locations *locations, const struct registry_entry *entry,
	struct sandbox_error *error);

/* Whether somebody has done so, and not yet let it go on. */
bool pausing_is_under_way(const struct registry_entry *entry);

/*
 * For who pauses it, or lets it go on, by hand: until the descriptor is closed nothing is taken. A descriptor or -errno: EBUSY
 * with E_SANDBOX_STATE while something is.
 */
int pausing_keep_out(const struct registry_entry *entry, struct sandbox_error *error);

/* Lets it go on. 0 or -errno. */
int pausing_end(struct pausing *pausing, struct sandbox_error *error);

/* The same for auto_finish, where it was not ended. May not return, when a signal waits. */
void pausing_finish(struct pausing *pausing);

#endif
