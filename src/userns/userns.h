/*
 * Making a user namespace and doing something in it as its root: user_namespaces(7), newuidmap(1).
 * The calling process must have one thread.
 */
#ifndef USERNS_USERNS_H
#define USERNS_USERNS_H

#include <sys/types.h>

#include "base/error.h"
#include "userns/idmap.h"

/*
 * Writes both maps of `pid`, which was just cloned with CLONE_NEWUSER: both helpers run at once, and
 * the maps are read back and compared. 0 or -errno with E_NEWIDMAP_… or E_NNP.
 */
int userns_write_maps(pid_t pid, const struct idmap *map, struct sandbox_error *error);

/*
 * For who has all rights in a user namespace of this map: gives `pid`, which was just cloned into one inside of it, all
 * of its ids under their own numbers. 0 or -errno.
 */
int userns_write_nested_maps(pid_t pid, const struct idmap *map, struct sandbox_error *error);

/* Whether the maps of `pid` are these, as seen from the caller's user namespace. 0 or -errno. */
int userns_verify_maps(pid_t pid, const struct idmap *map, struct sandbox_error *error);

/* This thread becomes 0:0 of the user namespace that it is in, without supplementary groups if it may. 0 or -errno. */
int userns_become_root(const struct idmap *map, struct sandbox_error *error);

/* Fills the error for a clone(2) that failed with `code`: which limit, setting or filter refused it. */
int userns_explain_clone(int code, struct sandbox_error *error);

/*
 * Explains that unshare(2) of other namespaces failed in a user namespace with ENOSPC: E_USERNS_LIMIT. To be called
 * outside of it, where the limits are seen that count. Returns like error_wrap.
 */
int userns_explain_namespaces(struct sandbox_error *error);

/*
 * Explains a set-up step that was refused (EPERM) to the root of a user namespace, unless the error
 * has an id already. Returns like error_wrap.
 */
int userns_explain_refusal(struct sandbox_error *error);

/*
 * Runs function(argument) in a child that is root of a new user namespace. The child ends with the
 * parent (PDEATHSIG). `function` returns 0 or a negative errno with its error filled, and the same
 * becomes this call's result; it may also exec, and then the result is what the program's exit status
 * says: 0, or -ECHILD with E_CHILD_DIED. Descriptors are inherited. 0 or -errno.
 */
int userns_run(const struct idmap *map, int (*function)(void *argument, struct sandbox_error *error),
	void *argument, struct sandbox_error *error);

/* The two halves of userns_run, for a caller that has something to do meanwhile. */
struct userns_child {
	pid_t pid;
	int pidfd;
	int report; /* its error, if any, arrives here */
};

#define USERNS_CHILD_INIT {.pid = 0, .pidfd = -1, .report = -1}

int userns_start(const struct idmap *map, int (*function)(void *argument, struct sandbox_error *error),
	void *argument, struct userns_child *out, struct sandbox_error *error);
int userns_wait(struct userns_child *child, struct sandbox_error *error);

/* Ends the child with SIGKILL and reaps it, when nobody waited for it. For auto_finish. */
void userns_child_finish(struct userns_child *child);

#endif
