/* Writing the receipt of a run: before the sandbox's group goes, whose counters are part of it. */
#ifndef RUNTIME_RECEIPT_H
#define RUNTIME_RECEIPT_H

#include <sandbox/receipt.h>

#include "cgroup/counters.h"
#include "cgroup/sampler.h"
#include "runtime/plan.h"

struct receipt_times {
	uint64_t wall, user, system; /* microseconds, of the command */
};

/* What was decided: limits and protections. */
void receipt_add_plan(struct sandbox_receipt *receipt, const struct sandbox_spec *spec, const struct plan *plan);

/* What happened. `counters` is of the group; `peak` is what was seen where limits were watched. Either may be NULL. */
void receipt_add_usage(struct sandbox_receipt *receipt, const struct receipt_times *times,
	const struct cgroup_counters *counters, const struct sampler_usage *peak);

#endif
