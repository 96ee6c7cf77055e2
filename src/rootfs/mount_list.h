/*
 * The root file system as a list of steps: decided in the supervisor, printable, and applied in order
 * by init, inside its own mount namespace. The image's files are the adversary's: every target is
 * opened below the root by descriptor (openat2(2)), and mounts are attached to that descriptor
 * (move_mount(2)), never to a path.
 */
#ifndef ROOTFS_MOUNT_LIST_H
#define ROOTFS_MOUNT_LIST_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/error.h"

enum mount_kind {
	MOUNT_DIRECTORY, /* make it, with `mode`, when it is missing */
	MOUNT_TMPFS,     /* `mode`, `size` bytes */
	MOUNT_PROC,
	MOUNT_SYSFS,
	MOUNT_DEVPTS,
	MOUNT_MQUEUE,
	MOUNT_CGROUP,
	MOUNT_DEVICE,    /* the host's device node `source` */
	MOUNT_SYMLINK,   /* with the text `source` */
	MOUNT_FILE,      /* a file with the text `source` lies over the image's */
	MOUNT_SYSCTL,    /* write `source` into the file below /proc/sys */
	MOUNT_MASK,      /* a file becomes the null device, a directory an empty read-only one */
	MOUNT_READ_ONLY,
};

struct mount_step {
	enum mount_kind kind;
	bool optional;     /* no error when the target does not exist, or the kernel lacks the thing */
	char *target;      /* absolute, inside the root */
	char *source;      /* or NULL */
	uint64_t size;
	uint32_t mode;
	uint64_t attributes; /* MOUNT_ATTR_… of mount_setattr(2) */
	const char *why;   /* where it comes from: "default", "--nesting" */
};

struct mount_list {
	struct mount_step *steps;
	size_t count;
};

/* Copies the step's strings. */
void mount_list_add(struct mount_list *list, const struct mount_step *step);
void mount_list_finish(struct mount_list *list);

/* "tmpfs", "mask" and so on, for --dry-run and --debug. */
const char *mount_kind_name(enum mount_kind kind);

/* What the steps work on. */
struct mount_target {
	int root;    /* the new root */
	int scratch; /* a directory on a tmpfs of ours that the payload will not see */
};

/* Applies all steps. 0 or -errno. */
int mount_list_apply(const struct mount_list *list, const struct mount_target *target, struct sandbox_error *error);

#endif
