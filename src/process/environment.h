/*
 * The payload's environment: nothing of the caller's comes along but what is asked for by name. In the
 * order of precedence: PATH, TERM and HOSTNAME, the env files, the assignments.
 */
#ifndef PROCESS_ENVIRONMENT_H
#define PROCESS_ENVIRONMENT_H

#include <sandbox/strings.h>

#include "base/error.h"

/*
 * `assignments` are NAME=VALUE, or NAME for the caller's value (left out when he has none), as in
 * docker-run(1); `files` hold one such assignment a line, with # comments. TERM is the caller's when one
 * of the standard descriptors is a terminal. *origins has the same names, with where each comes from: "default",
 * "--env", or a file's path. 0 or -errno.
 */
int environment_decide(const struct sandbox_strings *files, const struct sandbox_strings *assignments,
	const char *hostname, struct sandbox_strings *out, struct sandbox_strings *origins,
	struct sandbox_error *error);

#endif
