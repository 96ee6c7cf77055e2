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
	MOUNT_PROC,      /* a new one; with a `source`, the host's */
	MOUNT_SYSFS,     /* likewise */
	MOUNT_DEVPTS,
	MOUNT_MQUEUE,
	MOUNT_CGROUP,
	MOUNT_DEVICE,    /* the host's device node `source` */
	MOUNT_SYMLINK,   /* with the text `source` */
	MOUNT_ENTRY,     /* `source` is a line for the passwd(5) or group(5) file, if that has none with its number */
	MOUNT_FILE,      /* a file with the text `source` lies over the image's */
	MOUNT_SYSCTL,    /* write `source` into the file below /proc/sys */
	MOUNT_MASK,      /* a file becomes the null device, a directory an empty read-only one */
	MOUNT_READ_ONLY,
	MOUNT_BIND,      /* the host's file or directory `source`, with all that is mounted below it */
	MOUNT_SEAL,      /* nothing can be written to the root file system itself any more */
};

struct mount_step {
	enum mount_kind kind;
	bool optional;     /* no error when the target does not exist, or the kernel lacks the thing */
	char *target;      /* absolute, inside the root */
	char *source;      /* or NULL */
	uint64_t size;
	uint32_t mode;
	bool follow_links;   /* of the image, on the way to the target; else they are an error */
	uint64_t attributes; /* MOUNT_ATTR_… of mount_setattr(2) */
	/*
	 * MOUNT_BIND: what `source` was when it was decided on, as stat(2) says. MOUNT_DEVICE: the number that the node
	 * must have, or 0.
	 */
	uint64_t device;
	uint64_t inode;
	const char *why;   /* the option that decides on it, given or not; "default" for none */
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

/*
 * Detached copies of what the host lends, one for each step: -1 for those that need none. They are made in the new
 * mount namespace but with the caller's own groups, before the ids change, so that he lends what he may reach.
 */
struct mount_sources {
	int *fds;
	size_t count;
};

/* 0 or -errno; *out is to be finished in either case. */
int mount_list_open_sources(const struct mount_list *list, struct mount_sources *out, struct sandbox_error *error);
void mount_sources_finish(struct mount_sources *sources);

/* What the steps work on. */
struct mount_target {
	int root;    /* the new root */
	int scratch; /* a directory on a tmpfs of ours that the payload will not see */
	const struct mount_sources *sources;
	/* Called once, before the first step that shows or sets something of the network namespace. 0 or -errno. */
	int (*enter_network)(void *context, struct sandbox_error *error);
	void *context;
};

/* Applies all steps. 0 or -errno. */
int mount_list_apply(const struct mount_list *list, const struct mount_target *target, struct sandbox_error *error);

#endif
