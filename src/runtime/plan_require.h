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

#endif
