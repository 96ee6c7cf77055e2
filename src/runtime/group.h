/*
 * The control group of a running sandbox. It is written down below the runtime directory, in a file that stays locked
 * while the sandbox lives, before it is made: that nobody holds the lock tells that its tool was killed.
 */
#ifndef RUNTIME_GROUP_H
#define RUNTIME_GROUP_H

#include <stdbool.h>

#include "base/error.h"
#include "cgroup/group.h"
#include "runtime/name.h"

struct group_lease {
	struct name_lease record;
	struct cgroup_group cgroup;
};

#define GROUP_LEASE_INIT {.record = NAME_LEASE_INIT, .cgroup = CGROUP_GROUP_INIT}

/* Makes the group of the plan; without a manager nothing. 0 or -errno; release in either case. */
int group_take(struct group_lease *lease, const char *runtime, const struct cgroup_plan *plan, struct sandbox_error *error);

/* Writes its path into the directory of the sandbox's entry (registry.h), as the file group_file; -1: there is no entry. */
extern const char group_file[];
int group_show(const struct group_lease *lease, int entry, struct sandbox_error *error);

/* Whether the sandbox of that entry is paused. */
bool group_is_paused(int entry);

/* Lets the sandbox of that entry go on if it has a group and this kernel cannot end a paused one otherwise. */
void group_unpause(int entry);

/* Ends all that is left in it, and removes it. Idempotent. */
void group_release(struct group_lease *lease);

/* Removes the groups whose tool was killed. */
void groups_sweep(const char *runtime);

#endif
