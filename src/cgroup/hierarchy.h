/* Where cgroup v2 is on this machine, where in it we are, and what may be had there: cgroups(7). */
#ifndef CGROUP_HIERARCHY_H
#define CGROUP_HIERARCHY_H

#include <stdbool.h>

#include "base/error.h"

struct cgroup_hierarchy {
	char *mount;  /* a directory in which all of it, or our part of it, can be seen; NULL when there is none */
	char *own;    /* the directory of our own group; NULL when it cannot be seen */
	unsigned int controllers; /* that cgroup v2 has at all: a set, as limits.h says */
	unsigned int legacy;      /* those that cgroup v1 holds */
};

/* 0 or -errno. That there is no cgroup v2 is no error. */
int cgroup_hierarchy_find(struct cgroup_hierarchy *out, struct sandbox_error *error);

/* The same from the texts of /proc/self/mountinfo and /proc/self/cgroup; `controllers` is not filled. */
void cgroup_hierarchy_parse(const char *mountinfo, const char *cgroup, struct cgroup_hierarchy *out);
void cgroup_hierarchy_finish(struct cgroup_hierarchy *hierarchy);

/* The set that a file of a group's directory names; empty when it cannot be read. */
unsigned int cgroup_read_controllers(const char *directory, const char *file);

/* Whether we may divide this group: make children, enable controllers for them, move processes about. */
bool cgroup_is_ours(const char *directory);

/* Whether systemd says that it left this group to us (Delegate=, the attribute "delegate"). */
bool cgroup_is_marked_delegated(const char *directory);

/*
 * The outermost group, from `directory` upwards, that is ours; or else, when `marked`, the nearest one that systemd left
 * to us and that is no user manager's own. NULL when there is none; the caller frees.
 */
char *cgroup_find_ours(const struct cgroup_hierarchy *hierarchy, const char *directory, bool marked);

/* Whether this is a user manager of systemd, which divides its group itself: …/user@1000.service. */
bool cgroup_is_user_manager(const char *directory);

#endif
