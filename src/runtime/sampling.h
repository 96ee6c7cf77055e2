/* Limits that the supervisor watches: how init lends it a view of the sandbox, and what it does with that. */
#ifndef RUNTIME_SAMPLING_H
#define RUNTIME_SAMPLING_H

#include "base/interrupt.h"
#include "cgroup/sampler.h"
#include "runtime/container.h"

/* Whether some limit of the plan is to be watched. */
bool sampling_is_wanted(const struct plan *plan);

/* Init, in its new root: sends the view where it is wanted. 0 or -errno. */
int sampling_offer(const struct plan *plan, int channel, struct sandbox_error *error);

/* The supervisor, before the payload starts: takes it. 0 or -errno. */
int sampling_accept(const struct plan *plan, const struct interrupt *interrupt, struct container *container,
	struct sandbox_error *error);

/*
 * Looks once. *peak is raised to what is there. The limit that is exceeded, or NULL; *out_pause is in how many
 * milliseconds to look again.
 */
const struct cgroup_limit *sampling_look(const struct plan *plan, struct sampler *sampler,
	struct sampler_usage *peak, uint64_t *out_pause);

#endif
