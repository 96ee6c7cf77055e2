#include "runtime/receipt.h"

#include <stdlib.h>

#include "base/memory.h"
#include "base/scope.h"
#include "runtime/plan_require.h"

void sandbox_receipt_finish(struct sandbox_receipt *receipt)
{
	for (size_t i = 0; i < receipt->guard_count; i++)
		free(receipt->guards[i].requested);
	free(receipt->guards);
	free(receipt->facts);
	free(receipt->image);
	free(receipt->digest);
	free(receipt->group);
	free(receipt->why);
	*receipt = (struct sandbox_receipt){0};
}

static void add_fact(struct sandbox_receipt *receipt, const char *section, const char *name, uint64_t value)
{
	receipt->facts = memory_resize(receipt->facts, receipt->fact_count + 1, sizeof(*receipt->facts));
	receipt->facts[receipt->fact_count++] = (struct sandbox_fact){section, name, value};
}

/* Takes the ownership of `requested`. */
static void add_guard(struct sandbox_receipt *receipt, bool is_limit, const char *name, char *requested,
	enum sandbox_hold effective)
{
	receipt->guards = memory_resize(receipt->guards, receipt->guard_count + 1, sizeof(*receipt->guards));
	receipt->guards[receipt->guard_count++] = (struct sandbox_guard){is_limit, name, requested, effective};
}

void receipt_add_plan(struct sandbox_receipt *receipt, const struct sandbox_spec *spec, const struct plan *plan)
{
	const struct cgroup_limits *limits = &plan->cgroup.limits;
	const char *name;
	bool held;

	receipt->group = plan->cgroup.manager ? memory_text(plan->cgroup.manager->name) : NULL;
	receipt->why = memory_text(plan->cgroup.why);
	for (size_t i = 0; i < limits->count; i++)
		if (!limits->items[i].implied)
			add_guard(receipt, true, limits->items[i].option, memory_text(limits->items[i].value),
				limits->items[i].hold == CGROUP_HOLD_HARD ? SANDBOX_HOLD_HARD : SANDBOX_HOLD_SAMPLED);
	for (size_t i = 0; plan_requirement(i, spec, plan, &name, &held); i++)
		add_guard(receipt, false, name, memory_text(plan_is_required(spec, name) ? "required" : NULL),
			held ? SANDBOX_HOLD_HARD : SANDBOX_HOLD_ABSENT);
}

void receipt_add_usage(struct sandbox_receipt *receipt, const struct receipt_times *times,
	const struct cgroup_counters *counters, const struct sampler_usage *peak)
{
	add_fact(receipt, "time", "wall_us", times->wall);
	add_fact(receipt, "time", "user_us", times->user);
	add_fact(receipt, "time", "system_us", times->system);
	if (peak) {
		add_fact(receipt, "sampled", "memory_peak", peak->memory);
		add_fact(receipt, "sampled", "pids_peak", peak->tasks);
	}
	for (unsigned int i = 0; counters && i < CGROUP_COUNTER_COUNT; i++)
		if (counters->known[i])
			add_fact(receipt, cgroup_counter_section(i), cgroup_counter_name(i), counters->values[i]);
}
