/*
 * Resource limits of the payload: getrlimit(2), in Docker's words: NAME=SOFT[:HARD], in the kernel's
 * own units (bytes, seconds, numbers; see getrlimit(2)), `unlimited` or -1 for no limit.
 *
 * Defence removed in the test build by the name "rlimits".
 */
#ifndef SECURITY_RLIMIT_H
#define SECURITY_RLIMIT_H

#include <stddef.h>
#include <sys/resource.h>

#include "base/error.h"

struct rlimit_request {
	int resource; /* RLIMIT_… */
	struct rlimit value;
};

/* At most one for each resource. */
struct rlimit_list {
	struct rlimit_request items[RLIM_NLIMITS];
	size_t count;
};

/* Reads one request; a later one for the same resource replaces the earlier. 0 or -errno with E_USAGE. */
int rlimit_add(struct rlimit_list *list, const char *text, struct sandbox_error *error);

/*
 * Whether this process could set them: nobody but the host's root may go above his own hard limit,
 * and inside a user namespace nobody is the host's root. 0 or -errno with E_LIMIT_UNAVAILABLE.
 */
int rlimit_check(const struct rlimit_list *list, struct sandbox_error *error);

/* Sets them for this process. To be done late: a small limit hits the caller, too. 0 or -errno. */
int rlimit_apply(const struct rlimit_list *list, struct sandbox_error *error);

/*
 * All limits of this process, and back. A process can lower those of another with its ids (prlimit(2)), and no process of
 * a sandbox can raise a hard one: a lowered one is then -EPERM with E_SANDBOX_STATE. 0 or -errno.
 *
 * Defence removed in the test build by the name "session-rlimits".
 */
void rlimits_read(struct rlimit out[RLIM_NLIMITS]);
int rlimits_restore(const struct rlimit limits[RLIM_NLIMITS], struct sandbox_error *error);

/*
 * A process that starts with a small stack (ulimit -s) has no room for its own work. Raises the soft limit as far as is
 * needed and the hard one allows; what the payload is to have of it, rlimit_add_stack_of_caller says. The first thing
 * that main does. 0 or -errno with E_LIMIT_UNAVAILABLE.
 */
int rlimit_raise_stack(struct sandbox_error *error);

/* Gives the payload the caller's limit of the stack where ours was raised and `list` has no other. */
void rlimit_add_stack_of_caller(struct rlimit_list *list);

/* "nofile", "core"…; NULL for a number that is none. */
const char *rlimit_name(int resource);

/* "nofile=1024:4096", "core=unlimited"; `buffer` is returned. */
const char *rlimit_format(const struct rlimit_request *request, char *buffer, size_t size);

#endif
