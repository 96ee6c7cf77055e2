/*
 * Where the control group of a sandbox comes from. Theory of operation:
 *
 *     PARENT                    ours to divide; it has no processes of its own while sandboxes are in it
 *     ├── sandbox-callers       the processes that were in PARENT itself (we among them), for as long
 *     └── sandbox-0123456789ab  the limits; nobody is in here
 *         └── payload           init and all of the sandbox: the root of its cgroup namespace
 *
 * The payload may own its group, and write what it likes there: the limits that bind it are one level up, out of
 * its sight. They are written into its own group too, where language runtimes look for them.
 *
 * Who provides PARENT is a manager: a few functions behind one small table. All else is the same for each (group.h).
 */
#ifndef CGROUP_CGROUP_H
#define CGROUP_CGROUP_H

#include <stdbool.h>

#include "base/error.h"
#include "cgroup/hierarchy.h"
#include "cgroup/limits.h"

struct cgroup_manager;
struct cgroup_plan;

/* What a manager can provide. */
struct cgroup_offer {
	char *parent;             /* the directory of PARENT; of a manager that makes it: where it will be, roughly */
	unsigned int controllers; /* that PARENT can pass on */
	char *why;                /* half a sentence for people: where it comes from */
};

struct cgroup_manager {
	const char *name; /* "delegated" */
	/*
	 * Looks, and changes nothing. `wanted` is --cgroup-parent, or NULL. 0, or -errno with the reason in *error; *out
	 * is to be finished in either case.
	 */
	int (*probe)(const struct cgroup_hierarchy *hierarchy, const char *wanted, struct cgroup_offer *out,
		struct sandbox_error *error);
	/*
	 * Makes PARENT ready: afterwards *parent (owned by the caller) is its real directory. May move this process. `life` is a
	 * descriptor with a lock by which others know that we live: whatever acts for us has it, too, for as long.
	 */
	int (*enter)(const struct cgroup_plan *plan, const char *name, int life, char **parent, struct sandbox_error *error);
	/*
	 * Ends and removes what `enter` made, or was about to make, for that name, after the death of who called it. 0, also
	 * when there is nothing, or -errno: EBUSY while this process is in there. NULL for a manager that makes nothing.
	 */
	int (*abandon)(const char *name, struct sandbox_error *error);
};

extern const struct cgroup_manager cgroup_delegated, cgroup_systemd, cgroup_inherited;

/* The manager of that name, or NULL. */
const struct cgroup_manager *cgroup_manager_find(const char *name);

/* Decided, and printable; nothing exists yet. */
struct cgroup_plan {
	const struct cgroup_manager *manager; /* NULL: no group */
	char *parent;
	char *wanted;                         /* --cgroup-parent, or NULL */
	char *why;
	struct cgroup_limits limits;
	unsigned int controllers; /* to be enabled: those of the limits, and for counting all that can be had */
};

/*
 * Reads the limits and chooses who provides the group: the first manager that can hold all of them. Without limits
 * there is none, unless it is asked for, or counting is, and there can be one; or `mounts`: the payload can mount cgroup2
 * with this user's rights, and must not stand in a group then that is this user's and has others in it. 0, or -errno with
 * E_LIMIT_UNAVAILABLE, E_CGROUP_MISSING or E_CGROUP_CONTROLLER. *out is to be finished in either case.
 */
int cgroup_plan_decide(const struct sandbox_limits *wanted, bool mounts, struct cgroup_plan *out,
	struct sandbox_error *error);

/* The same on a hierarchy that is known already; out->limits are decided. */
int cgroup_plan_decide_in(const struct cgroup_hierarchy *hierarchy, const struct sandbox_limits *wanted,
	struct cgroup_plan *out, struct sandbox_error *error);

/*
 * Weights of disks are a matter of who schedules them, which no group tells: the file becomes that of the one who does.
 * `mount` is that of the hierarchy. 0, or -errno with E_LIMIT_UNAVAILABLE when nobody shares disks by weight.
 */
int cgroup_check_weights(const char *mount, struct cgroup_limits *limits, struct sandbox_error *error);

void cgroup_plan_finish(struct cgroup_plan *plan);

void cgroup_offer_finish(struct cgroup_offer *offer);

#endif
