/* Hiding what is the kernel's or the user's, and protecting it from being written. */
#include "rootfs/mount_work.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>

#include "base/scope.h"
#include "base/test_switch.h"
#include "rootfs/filesystem.h"
#include "rootfs/root_path.h"

static int mask_file(int target, const char *path, struct sandbox_error *error)
{
	/*
	 * Anything else in the place of the null device would be shown to the payload. Copied from the host's each
	 * time: before Linux 6.15 a copy cannot be copied while it is detached.
	 */
	auto_close int mount = mount_clone_device("/dev/null", makedev(1, 3), error);

	return mount < 0 ? mount : filesystem_attach(mount, target, path, error);
}

/* An empty directory of our tmpfs, which nobody can write to; one serves for all. A descriptor or -errno. */
static int open_empty(struct mount_work *work, struct sandbox_error *error)
{
	static const char name[] = "empty";
	const uint64_t attributes = MOUNT_ATTR_RDONLY | MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV | MOUNT_ATTR_NOEXEC;
	auto_close int mount = -1;

	if (mkdirat(work->scratch, name, 0555) < 0 && errno != EEXIST)
		return error_set(error, errno, "make an empty directory");
	mount = open_tree(work->scratch, name, OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC);
	if (mount < 0 || filesystem_set_attributes(mount, attributes) < 0)
		return error_set(error, errno, "show an empty directory");
	return take_fd(&mount);
}

static int mask_directory(struct mount_work *work, int target, const char *path, struct sandbox_error *error)
{
	auto_close int mount = open_empty(work, error);

	return mount < 0 ? mount : filesystem_attach(mount, target, path, error);
}

/* Of a step that is not optional: what somebody wants hidden, and what could be made later under that name. */
static int explain_missing(const struct mount_step *step, int result, struct sandbox_error *error)
{
	error_set(error, -result, "mask %s", step->target);
	if (result != -ENOENT || step->optional)
		return result;
	error_cause(error, SANDBOX_E_USAGE, "the image and the kernel have nothing there that could be hidden");
	return error_fix(error, "correct the path, or leave this --security-opt mask= out");
}

int mount_apply_mask(struct mount_work *work, const struct mount_step *step, struct sandbox_error *error)
{
	auto_close int target = -1;
	struct stat status;

	if (test_defence_removed("mask-paths"))
		return 0;
	target = root_open(work->root, step->target, O_PATH, ROOT_NO_LINKS);
	if (target < 0)
		return explain_missing(step, target, error);
	if (fstat(target, &status) < 0)
		return error_set(error, errno, "stat %s", step->target);
	return S_ISDIR(status.st_mode) ? mask_directory(work, target, step->target, error)
				       : mask_file(target, step->target, error);
}

int mount_apply_read_only(struct mount_work *work, const struct mount_step *step, struct sandbox_error *error)
{
	auto_close int target = -1, mount = -1;

	if (test_defence_removed("readonly-paths"))
		return 0;
	target = root_open(work->root, step->target, O_PATH, ROOT_NO_LINKS);
	if (target < 0)
		return error_set(error, -target, "make %s read-only", step->target);
	mount = open_tree(target, "", OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC | AT_EMPTY_PATH | AT_RECURSIVE);
	if (mount < 0)
		return error_set(error, errno, "make %s read-only", step->target);
	if (filesystem_set_attributes(mount, MOUNT_ATTR_RDONLY | step->attributes) < 0)
		return error_set(error, errno, "make %s read-only", step->target);
	return filesystem_attach(mount, target, step->target, error);
}

int mount_apply_seal(struct mount_work *work, const struct mount_step *step, struct sandbox_error *error)
{
	struct mount_attr read_only = {.attr_set = MOUNT_ATTR_RDONLY};

	(void)step;
	/* Not recursive: what was mounted below keeps its own mind. */
	if (mount_setattr(work->root, "", AT_EMPTY_PATH, &read_only, sizeof(read_only)) < 0)
		return error_set(error, errno, "make the root read-only");
	return 0;
}
