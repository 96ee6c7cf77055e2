/* The group of one sandbox: made below a parent that is ours, filled by clone3(2), ended and removed. See cgroup.h. */
#ifndef CGROUP_GROUP_H
#define CGROUP_GROUP_H

#include "base/error.h"
#include "cgroup/cgroup.h"

struct cgroup_group {
	char *path;  /* its directory; NULL when there is none */
	int group;   /* the same, or -1 */
	int payload; /* its child, for CLONE_INTO_CGROUP, or -1 */
};

#define CGROUP_GROUP_INIT {.group = -1, .payload = -1}

/*
 * Makes the group `name` in `parent` with the plan's limits. Processes that are in `parent` itself are moved into a
 * leaf of it, as the kernel wants it. *out is to be finished in either case, and removed: a half-made one is recorded
 * in it. One process at a time for each parent. 0 or -errno.
 */
int cgroup_group_make(const struct cgroup_plan *plan, const char *parent, const char *name, struct cgroup_group *out,
	struct sandbox_error *error);

/*
 * Kills all that is in the group, paused or not, at once. 0, or -errno: the kernel can since Linux 5.14, and before that
 * all ends with PID 1.
 */
int cgroup_group_kill(int group);

/* Kills all that is in the group at this path, and waits for its end, two seconds at most. No group is no error. */
void cgroup_group_end(const char *path);

/*
 * Stops all that is in the group at this path where it is, or lets it go on; returns when that is so. 0 or -errno: ETIMEDOUT
 * when it cannot be stopped, and then it goes on.
 */
int cgroup_group_freeze(const char *path, bool on, struct sandbox_error *error);

/* Changes limits of the group at this path. 0, also where its sandbox ended because of them, or -errno. */
int cgroup_group_update(const char *path, const struct cgroup_limits *limits, struct sandbox_error *error);

/*
 * Removes the group at this path, which has ended, with all that its payload made in it; after the last one in the
 * parent, the processes of the leaf go back to where they were. One process at a time for each parent. 0 or -errno.
 */
int cgroup_group_remove(const char *path, struct sandbox_error *error);

/* Removes the group `name` and those below it, in which nobody is. 0, also where there is none, or -errno: EBUSY. */
int cgroup_tree_remove(int parent, const char *name, struct sandbox_error *error);

/* Closes the descriptors and forgets it. Idempotent. */
void cgroup_group_finish(struct cgroup_group *group);

#endif
