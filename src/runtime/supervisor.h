/* The role of the supervisor while the payload runs: one poll loop over channel, init, signals and time. */
#ifndef RUNTIME_SUPERVISOR_H
#define RUNTIME_SUPERVISOR_H

#include "runtime/container.h"

/*
 * Something to do beside a payload that runs for a while, in a process of its own that ends with this one: it
 * is started once, SUPERVISOR_SETTLED_MS after the payload.
 */
enum { SUPERVISOR_SETTLED_MS = 2000 };
struct supervisor_chore {
	void (*function)(void *argument); /* NULL: nothing */
	void *argument;
};

/* Waits until all of the sandbox has ended. 0 or -errno. */
int supervise(const struct plan *plan, struct container *container, const struct supervisor_chore *chore,
	struct sandbox_result *out, struct sandbox_error *error);

#endif
