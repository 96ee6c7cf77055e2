/* The last steps before the user's command: from root of the sandbox to exactly what the plan grants. */
#ifndef RUNTIME_PAYLOAD_H
#define RUNTIME_PAYLOAD_H

#include "process/user.h"
#include "runtime/plan.h"

struct payload {
	struct user_identity user;
	struct sandbox_strings command;
	struct sandbox_strings environment;
	int terminal; /* the payload's side of its terminal, or -1 */
};

/*
 * Resolves in the entered root what only it can tell: the user, root's shell, HOME; and enters the
 * working directory. 0 or -errno.
 */
int payload_resolve(const struct plan *plan, struct payload *out, struct sandbox_error *error);
void payload_finish(struct payload *payload);

/*
 * Gives up everything that the payload must not have, and executes it. Every descriptor above the preserved
 * ones is closed by the exec. Returns only on failure: -errno.
 */
int payload_execute(const struct plan *plan, const struct payload *payload, struct sandbox_error *error);

#endif
