/*
 * The root of a sandbox: an overlay of read-only layers and a writable one, and the change into it
 * (pivot_root(2)). Runs in init, in a mount namespace of its own, before and after the mount list.
 */
#ifndef ROOTFS_ROOT_H
#define ROOTFS_ROOT_H

#include <stdbool.h>
#include <stdint.h>

#include <sandbox/strings.h>

#include "base/error.h"
#include "rootfs/mount_list.h"

struct root_plan {
	/*
	 * Directories, the lowest first, relative to the current directory: that must be the store's
	 * directory of layers and stay so. (Names are short, so that many fit into one mount option; and a
	 * root of the user namespace who is not the owner of the store could not walk there from /.)
	 */
	struct sandbox_strings layers;
	/* A directory for the writable layer, empty unless it stays; NULL for one on a tmpfs. */
	char *upper;
	bool upper_stays;      /* `upper` may hold one already, and outlives this root */
	uint64_t tmpfs_size;   /* bytes */
	uint64_t tmpfs_inodes;
	bool nosuid;
};

/*
 * Opens plan->upper in this mount namespace; *out is -1 where there is none. To be done before ids change, for its
 * parents are closed to the root of a sandbox that the host's root has started. 0 or -errno.
 */
int root_open_upper(const struct root_plan *plan, int *out, struct sandbox_error *error);

/*
 * Makes upper/ and work/ of a writable layer that stays in `directory`, where they are not there yet; `layers`, of
 * which there is one at least, are below `below` (root_plan.layers). For a root of the ids that own it. 0 or -errno.
 */
int root_prepare_upper(int directory, int below, const struct sandbox_strings *layers, struct sandbox_error *error);

/* Nothing that is mounted from here on may travel back to the host, nor what the host mounts come here. 0 or -errno. */
int root_make_private(struct sandbox_error *error);

/*
 * Mounts a scratch tmpfs over the current directory and the overlay on it.
 * `upper` comes from root_open_upper. The two descriptors are the caller's. 0 or -errno with E_OVERLAY.
 */
int root_build(const struct root_plan *plan, int upper, struct mount_target *out, struct sandbox_error *error);

/*
 * What was there before anything was written: the layers alone, read-only. Like root_build it works in the directory of
 * layers and in a mount namespace of the caller's own. A descriptor or -errno with E_OVERLAY.
 */
int root_build_lower(const struct root_plan *plan, struct sandbox_error *error);

/* Makes `root` the root directory of this process and its mount namespace; the old one is gone. */
int root_enter(int root, struct sandbox_error *error);

/* Whether a tmpfs on this kernel holds user.* attributes, which overlay needs (Linux 6.6, CONFIG_TMPFS_XATTR). */
bool root_tmpfs_holds_attributes(void);

#endif
