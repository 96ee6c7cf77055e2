/* The block device behind a path: the kernel limits whole devices, not files and not partitions. */
#ifndef CGROUP_DEVICE_H
#define CGROUP_DEVICE_H

#include <stdbool.h>

#include "base/error.h"

/* `path` is a block device, or a file or directory that lies on one. 0 or -errno. */
int cgroup_device_find(const char *path, unsigned int *out_major, unsigned int *out_minor, struct sandbox_error *error);

/* Whether some disk is shared by weight: by the scheduler bfq, or by io.cost.qos of the root of all groups at `mount`. */
bool cgroup_device_has_bfq(void);
bool cgroup_device_has_cost(const char *mount);

#endif
