/* --require: protections that must be in force, or nothing is started. */
#ifndef RUNTIME_PLAN_REQUIRE_H
#define RUNTIME_PLAN_REQUIRE_H

#include <sandbox/spec.h>

#include "base/error.h"
#include "runtime/plan.h"

/*
 * Whether a plan that is complete but for its image holds all that spec->require names. 0, -EINVAL for a name that is
 * not known, or -EPERM with E_REQUIRED.
 */
int plan_check_required(const struct sandbox_spec *spec, const struct plan *plan, struct sandbox_error *error);

/* The protection with this index, and whether the plan holds it. False when there are no more. */
bool plan_requirement(size_t index, const struct sandbox_spec *spec, const struct plan *plan, const char **out_name,
	bool *out_held);

/* Whether spec->require names it. */
bool plan_is_required(const struct sandbox_spec *spec, const char *name);

#endif
