/* The supervisor's part of a sandbox's network, between the start of init and that of the payload. */
#ifndef RUNTIME_LAUNCH_NETWORK_H
#define RUNTIME_LAUNCH_NETWORK_H

#include "base/interrupt.h"
#include "runtime/container.h"

/* In init, once its namespaces are made: tells the supervisor of them, where it is waiting for that. 0 or -errno. */
int launch_network_offer(const struct plan *plan, int channel, struct sandbox_error *error);

/*
 * Starts what connects the sandbox, once the ids are mapped; init builds the root meanwhile. What was started is
 * recorded in the container. 0 or -errno; -EINTR when a signal came first.
 */
int launch_network_start(const struct plan *plan, const struct interrupt *interrupt, struct container *container,
	struct sandbox_error *error);

/* Waits until the sandbox is connected. 0 or -errno; -EINTR when a signal came first. */
int launch_network_expect(const struct interrupt *interrupt, struct container *container, struct sandbox_error *error);

#endif
