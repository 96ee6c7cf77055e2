/* A plan as rows to read: what is decided, and why. */
#ifndef RUNTIME_PLAN_REPORT_H
#define RUNTIME_PLAN_REPORT_H

#include <sandbox/container.h>

#include "runtime/plan.h"

/* `content` tells what `image` stands for: a digest, a folder. The caller finishes *out. */
void plan_report(const struct plan *plan, const struct sandbox_spec *spec, const char *image, const char *content,
	struct sandbox_plan_report *out);

#endif
