/* Deciding what the user lends: -v, --mount, --tmpfs and --device, as docker-run(1) spells them. */
#ifndef RUNTIME_PLAN_VOLUMES_H
#define RUNTIME_PLAN_VOLUMES_H

#include <sandbox/spec.h>

#include "base/error.h"
#include "rootfs/mount_list.h"

/*
 * Appends a step for each, outer targets before inner ones. Sources are looked up and their links resolved here, by
 * the caller's rights; targets are absolute and outside of /proc and /sys. 0 or -errno with E_USAGE.
 */
int plan_decide_volumes(const struct sandbox_spec *spec, struct mount_list *out, struct sandbox_error *error);

#endif
