/* What the host lends to the sandbox: copies of its mounts, taken before the ids change. */
#include "rootfs/mount_work.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/magic.h>
#include <linux/openat2.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/vfs.h>
#include <unistd.h>

#include "base/memory.h"
#include "base/scope.h"
#include "base/test_switch.h"
#include "kernel/syscalls.h"
#include "rootfs/filesystem.h"
#include "rootfs/root_path.h"

/* The path has no links since it was decided on; a link or another file there now was put there meanwhile. */
static int open_source(const struct mount_step *step, struct sandbox_error *error)
{
	const uint64_t attributes = MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV | step->attributes;
	const bool again = !test_defence_removed("lent-again");
	auto_close int file = kernel_openat2(AT_FDCWD, step->source, O_PATH, 0, again ? RESOLVE_NO_SYMLINKS : 0);
	auto_close int tree = -1;
	struct stat status;

	if (file < 0 || fstat(file, &status) < 0)
		return error_set(error, errno, "open %s", step->source);
	if (again && (status.st_dev != step->device || status.st_ino != step->inode))
		return error_set(error, ESTALE, "open %s: it was replaced while the sandbox started", step->source);
	/* Recursive, or the kernel would uncover what the host has mounted over (and so refuses). */
	tree = open_tree(file, "", OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC | AT_EMPTY_PATH | AT_RECURSIVE);
	if (tree < 0)
		return error_set(error, errno, "lend %s to the sandbox", step->source);
	/* Recursive, too, or a mount below a read-only one would stay writable. */
	if (filesystem_set_attributes(tree, attributes) < 0)
		return error_set(error, errno, "restrict %s in the sandbox", step->source);
	return take_fd(&tree);
}

int mount_list_open_sources(const struct mount_list *list, struct mount_sources *out, struct sandbox_error *error)
{
	out->count = list->count;
	out->fds = memory_zeroed(list->count, sizeof(*out->fds));
	for (size_t i = 0; i < list->count; i++)
		out->fds[i] = -1;
	for (size_t i = 0; i < list->count; i++) {
		if (list->steps[i].kind != MOUNT_BIND)
			continue;
		out->fds[i] = open_source(&list->steps[i], error);
		if (out->fds[i] < 0)
			return out->fds[i];
	}
	return 0;
}

void mount_sources_finish(struct mount_sources *sources)
{
	for (size_t i = 0; i < sources->count; i++)
		if (sources->fds[i] >= 0)
			(void)close(sources->fds[i]);
	free(sources->fds);
	*sources = (struct mount_sources){0};
}

/* The image may have a link there that leads into /proc: what lies over that would hide its masks. */
int mount_refuse_kernel_files(int target, const char *path, struct sandbox_error *error)
{
	struct statfs status;

	if (fstatfs(target, &status) < 0)
		return error_set(error, errno, "look at %s", path);
	if (status.f_type != PROC_SUPER_MAGIC && status.f_type != SYSFS_MAGIC)
		return 0;
	error_set(error, EINVAL, "mount on %s", path);
	error_cause(error, SANDBOX_E_ROOT_LAYOUT, "a symbolic link of the image leads from there into /proc or /sys");
	return error_fix(error, "choose another target");
}

int mount_remember_own(struct mount_work *work, int fd, struct sandbox_error *error)
{
	struct stat status;

	if (fstat(fd, &status) < 0)
		return error_set(error, errno, "stat a file system");
	work->own = memory_room(work->own, work->own_count, sizeof(*work->own));
	work->own[work->own_count++] = status.st_dev;
	return 0;
}

static bool is_own(const struct mount_work *work, int fd)
{
	struct stat status;

	if (fstat(fd, &status) < 0)
		return false;
	for (size_t i = 0; i < work->own_count; i++)
		if (work->own[i] == status.st_dev)
			return true;
	return false;
}

/* A mount point that is missing is made in the writable layer, but never in a folder that the user lends. */
int mount_check_missing(const struct mount_work *work, const struct mount_step *step,
	struct sandbox_error *error)
{
	auto_free char *prefix = memory_text(step->target);
	bool is_target = true;

	for (char *end = prefix + strlen(prefix); work->has_lent && end && end != prefix; end = strrchr(prefix, '/')) {
		auto_close int fd = -1;

		*end = '\0';
		fd = root_open(work->root, prefix, O_PATH, ROOT_FOLLOW);
		if (fd >= 0 && (is_target || is_own(work, fd)))
			return 0;
		is_target = false;
		if (fd < 0)
			continue;
		error_set(error, ENOENT, "prepare %s", step->target);
		error_cause(error, SANDBOX_E_ROOT_LAYOUT, "it lies in a folder that you lend, which has no such entry, and "
			"nothing is made in folders of yours");
		return error_fix(error, "make it there, or choose another target");
	}
	return 0;
}

int mount_apply_bind(struct mount_work *work, const struct mount_step *step, struct sandbox_error *error)
{
	auto_close int target = -1;
	struct stat status;
	int result;

	if (fstat(work->source, &status) < 0)
		return error_set(error, errno, "stat %s", step->source);
	target = S_ISDIR(status.st_mode) ? root_make_directory(work->root, step->target, 0755, ROOT_FOLLOW, error)
					 : root_make_file(work->root, step->target, 0644, error);
	if (target < 0)
		return target;
	result = mount_refuse_kernel_files(target, step->target, error);
	work->has_lent = true;
	return result < 0 ? result : filesystem_attach(work->source, target, step->target, error);
}
