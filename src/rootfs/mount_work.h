/*
 * What one application of a mount list carries from step to step, and the functions behind its kinds: one for
 * each, in the file of its subject. Only mount_*.c include this.
 */
#ifndef ROOTFS_MOUNT_WORK_H
#define ROOTFS_MOUNT_WORK_H

#include <stdbool.h>
#include <sys/types.h>

#include "rootfs/mount_list.h"

struct mount_work {
	int root;
	int scratch;
	int source;          /* of the present step, or -1 */
	/*
	 * Our first tmpfs (/dev), and where it is: in there is nothing but what we make, and no path needs to be resolved.
	 * NULL and -1 while there is none.
	 */
	const char *fresh_path;
	int fresh;
	unsigned int files;  /* how many were made in scratch: their names */
	bool has_lent;       /* something of the host's is mounted */
	dev_t *own;          /* file systems in which directories may be made: the root, and our own tmpfs */
	size_t own_count;
};

/* File systems of their own: mount_systems.c */
int mount_apply_tmpfs(struct mount_work *work, const struct mount_step *step, struct sandbox_error *error);
int mount_apply_proc(struct mount_work *work, const struct mount_step *step, struct sandbox_error *error);
int mount_apply_sysfs(struct mount_work *work, const struct mount_step *step, struct sandbox_error *error);
int mount_apply_devpts(struct mount_work *work, const struct mount_step *step, struct sandbox_error *error);
int mount_apply_mqueue(struct mount_work *work, const struct mount_step *step, struct sandbox_error *error);
int mount_apply_cgroup(struct mount_work *work, const struct mount_step *step, struct sandbox_error *error);
/* Single files and directories: mount_files.c */
int mount_apply_directory(struct mount_work *work, const struct mount_step *step, struct sandbox_error *error);
int mount_apply_symlink(struct mount_work *work, const struct mount_step *step, struct sandbox_error *error);
int mount_apply_device(struct mount_work *work, const struct mount_step *step, struct sandbox_error *error);
int mount_apply_file(struct mount_work *work, const struct mount_step *step, struct sandbox_error *error);
int mount_apply_entry(struct mount_work *work, const struct mount_step *step, struct sandbox_error *error);
int mount_apply_sysctl(struct mount_work *work, const struct mount_step *step, struct sandbox_error *error);
/* What the host lends: mount_lent.c */
int mount_apply_bind(struct mount_work *work, const struct mount_step *step, struct sandbox_error *error);
/* Hiding and protecting: mount_hidden.c */
int mount_apply_mask(struct mount_work *work, const struct mount_step *step, struct sandbox_error *error);
int mount_apply_read_only(struct mount_work *work, const struct mount_step *step, struct sandbox_error *error);
int mount_apply_seal(struct mount_work *work, const struct mount_step *step, struct sandbox_error *error);

/* The name of `path` in work->fresh, if it lies directly there, or else NULL. */
const char *mount_name_in_fresh(const struct mount_work *work, const char *path);

/* A target behind links of the image must not lie in /proc or /sys, whose masks it would cover. 0 or -errno. */
int mount_refuse_kernel_files(int target, const char *path, struct sandbox_error *error);

/* `fd` lies in a file system of ours, in which missing mount points may be made. 0 or -errno. */
int mount_remember_own(struct mount_work *work, int fd, struct sandbox_error *error);

/* A mount point that is missing is made in the writable layer, but never in a folder that the user lends. 0 or -errno. */
int mount_check_missing(const struct mount_work *work, const struct mount_step *step, struct sandbox_error *error);

/* A detached copy of the host's device node at `path`, which must have this number (0: any). A descriptor or -errno. */
int mount_clone_device(const char *path, dev_t number, struct sandbox_error *error);

#endif
