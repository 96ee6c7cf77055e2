/* From a decision to the end of the sandbox: what a first start and all others have in common. */
#ifndef RUNTIME_RUN_H
#define RUNTIME_RUN_H

#include <sandbox/container.h>

#include "base/error.h"
#include "runtime/decision.h"
#include "runtime/detach.h"
#include "runtime/registry.h"

/*
 * Runs it, and takes everything back that was made. `again` is the entry of a kept sandbox that is started once more,
 * with its lock, and taken; NULL for a new one. `detached` is NULL when the caller waits. 0, or -errno when the command
 * did not run.
 */
int run_decided(const struct sandbox_locations *locations, struct decision *decision, struct registry_entry *again,
	struct detached *detached, struct sandbox_result *out, struct sandbox_error *error);

#endif
