/* Starting: from a plan to a payload that has been executed. The supervisor's half of the protocol. */
#ifndef RUNTIME_LAUNCH_H
#define RUNTIME_LAUNCH_H

#include "base/interrupt.h"
#include "runtime/container.h"

/*
 * All signals are blocked by the caller. 0 or -errno; what was started is recorded in the container. -EINTR when a
 * signal came first: what was started is to be undone, and then the signal to be released. -ETIMEDOUT at the limit of
 * `interrupt`, if there is one.
 */
int launch(const struct plan *plan, const struct interrupt *interrupt, struct container *container,
	struct sandbox_error *error);

#endif
