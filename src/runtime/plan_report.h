/* A plan as rows to read: what is decided, and why. */
#ifndef RUNTIME_PLAN_REPORT_H
#define RUNTIME_PLAN_REPORT_H

#include <sandbox/container.h>

#include "runtime/plan.h"

/* `digest` is NULL for an image that has yet to be imported. The caller finishes *out. */
void plan_report(const struct plan *plan, const struct sandbox_spec *spec, const char *image, const char *digest,
	struct sandbox_plan_report *out);

#endif
