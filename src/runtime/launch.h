/* Starting: from a plan to a payload that has been executed. The supervisor's half of the protocol. */
#ifndef RUNTIME_LAUNCH_H
#define RUNTIME_LAUNCH_H

#include "runtime/container.h"

/*
 * All signals are blocked by the caller. 0 or -errno; what was started is recorded in the container. -EINTR when a
 * signal that would end this process came during the set-up: it is still pending.
 */
int launch(const struct plan *plan, struct container *container, struct sandbox_error *error);

#endif
