/* The mount API by descriptor: fsopen(2), fsmount(2), move_mount(2), mount_setattr(2). */
#ifndef ROOTFS_FILESYSTEM_H
#define ROOTFS_FILESYSTEM_H

#include <stdint.h>

#include "base/error.h"

struct filesystem_option {
	const char *name;  /* NULL closes the list */
	const char *value; /* NULL for a flag */
};

/* A new, detached file system. `attributes` are MOUNT_ATTR_…. A descriptor or -errno. */
int filesystem_make(const char *type, const struct filesystem_option *options, uint64_t attributes,
	struct sandbox_error *error);

/* Attaches a detached mount over what `target` (O_PATH) is. `path` is for the error. 0 or -errno. */
int filesystem_attach(int mount, int target, const char *path, struct sandbox_error *error);

/* Sets attributes on a mount and everything below it. As mount_setattr(2): -1 and errno. */
int filesystem_set_attributes(int mount, uint64_t attributes);

#endif
