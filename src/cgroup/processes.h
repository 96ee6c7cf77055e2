/* Moving processes from one group to another. */
#ifndef CGROUP_PROCESSES_H
#define CGROUP_PROCESSES_H

#include <stdbool.h>

#include "base/error.h"

/* Whether some process is in the group itself. */
bool cgroup_has_processes(int directory);

/*
 * Moves all processes that are in the group `from` itself to the group `to`, both relative to `directory`; also those
 * that are forked meanwhile. 0 or -errno.
 */
int cgroup_move_processes(int directory, const char *from, const char *to, struct sandbox_error *error);

#endif
