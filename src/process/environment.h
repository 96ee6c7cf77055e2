/*
 * The payload's environment: nothing of the caller's comes along but what is asked for by name. In the
 * order of precedence: PATH, TERM and HOSTNAME, the caller's own, the env files, the assignments.
 */
#ifndef PROCESS_ENVIRONMENT_H
#define PROCESS_ENVIRONMENT_H

#include <sandbox/strings.h>
#include <stdbool.h>

#include "base/error.h"

struct environment_request {
	const struct sandbox_strings *files;       /* one assignment a line, with # comments */
	const struct sandbox_strings *assignments; /* NAME=VALUE, or NAME for the caller's value, as in docker-run(1) */
	const char *assignments_origin;            /* NULL: "--env" */
	bool host; /* all of the caller's, but for those that describe his own file system, machine and shell */
	const struct sandbox_strings *removed; /* names, wherever they would come from */
	struct sandbox_strings *asked; /* takes what is asked for, removed again or not; may be NULL */
};

/*
 * TERM is the caller's when one of the standard descriptors is a terminal; a variable that the caller has not is
 * left out. *origins has the same names, with where each comes from: "default", "--env", or a file's path.
 * 0 or -errno.
 */
int environment_decide(const struct environment_request *request, const char *hostname, struct sandbox_strings *out,
	struct sandbox_strings *origins, struct sandbox_error *error);

/* The same without PATH and HOSTNAME, for one more command in a sandbox that has an environment. */
int environment_extend(const struct environment_request *request, struct sandbox_strings *out,
	struct sandbox_strings *origins, struct sandbox_error *error);

#endif
