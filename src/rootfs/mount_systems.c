/* The file systems that a sandbox has for itself. */
#include "rootfs/mount_work.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <fcntl.h>

#include "base/scope.h"
#include "base/test_switch.h"
#include "rootfs/filesystem.h"
#include "rootfs/proc_mask.h"
#include "rootfs/root_path.h"

/* What the kernel gives only to the owner of a namespace, and the name by which the test build removes that one. */
static const struct {
	const char *type, *defence;
} namespaces[] = {
	{"proc", "pid-namespace"},
	{"sysfs", "net-namespace"},
	{"mqueue", "ipc-namespace"},
	{"cgroup2", "cgroup-namespace"},
};

static bool is_left_to_host(const char *type)
{
	for (size_t i = 0; i < array_count(namespaces); i++)
		if (strcmp(namespaces[i].type, type) == 0 && test_defence_removed(namespaces[i].defence))
			return true;
	return false;
}

/* A new one; or, where the namespace is the host's, the host's own. A descriptor or -errno. */
static int open_filesystem(const struct mount_step *step, const char *type, const struct filesystem_option *options,
	struct sandbox_error *error)
{
	auto_close int copy = -1;

	if (!is_left_to_host(type) && !((step->kind == MOUNT_PROC || step->kind == MOUNT_SYSFS) && step->source))
		return filesystem_make(type, options, step->attributes, error);
	copy = open_tree(AT_FDCWD, step->target, OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC | AT_RECURSIVE);
	if (copy < 0)
		return error_set(error, errno, "show the host's %s", step->target);
	if (filesystem_set_attributes(copy, step->attributes) < 0)
		return error_set(error, errno, "set the attributes of the host's %s", step->target);
	return take_fd(&copy);
}

static int make_target(const struct mount_work *work, const struct mount_step *step, struct sandbox_error *error)
{
	const char *name = mount_name_in_fresh(work, step->target);
	int made;

	if (!name || mkdirat(work->fresh, name, 0755) < 0)
		return root_make_directory(work->root, step->target, 0755, step->follow_links ? ROOT_FOLLOW : ROOT_NO_LINKS,
			error);
	made = openat(work->fresh, name, O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	return made < 0 ? error_set(error, errno, "open %s", step->target) : made;
}

static int mount_filesystem(struct mount_work *work, const struct mount_step *step, const char *type,
	const struct filesystem_option *options, struct sandbox_error *error)
{
	auto_close int mount = open_filesystem(step, type, options, error);
	auto_close int target = -1;
	int result;

	if (mount < 0)
		return mount;
	target = make_target(work, step, error);
	if (target < 0)
		return target;
	result = step->follow_links ? mount_refuse_kernel_files(target, step->target, error) : 0;
	if (result == 0)
		result = mount_remember_own(work, mount, error);
	if (result == 0)
		result = filesystem_attach(mount, target, step->target, error);
	if (result == 0 && step->kind == MOUNT_TMPFS && !step->follow_links && !work->fresh_path) {
		work->fresh_path = step->target;
		work->fresh = take_fd(&mount);
	}
	return result;
}

int mount_apply_tmpfs(struct mount_work *work, const struct mount_step *step, struct sandbox_error *error)
{
	char size[32], mode[16];
	const struct filesystem_option options[] = {{"size", size}, {"mode", mode}, {NULL}};

	(void)snprintf(size, sizeof(size), "%llu", (unsigned long long)step->size);
	(void)snprintf(mode, sizeof(mode), "%o", step->mode);
	return mount_filesystem(work, step, "tmpfs", options, error);
}

int mount_apply_proc(struct mount_work *work, const struct mount_step *step, struct sandbox_error *error)
{
	int result = mount_filesystem(work, step, "proc", NULL, error);

	if (result == -EPERM)
		(void)proc_explain_refusal(error);
	return result;
}

int mount_apply_sysfs(struct mount_work *work, const struct mount_step *step, struct sandbox_error *error)
{
	return mount_filesystem(work, step, "sysfs", NULL, error);
}

int mount_apply_mqueue(struct mount_work *work, const struct mount_step *step, struct sandbox_error *error)
{
	return mount_filesystem(work, step, "mqueue", NULL, error);
}

int mount_apply_cgroup(struct mount_work *work, const struct mount_step *step, struct sandbox_error *error)
{
	return mount_filesystem(work, step, "cgroup2", NULL, error);
}

int mount_apply_devpts(struct mount_work *work, const struct mount_step *step, struct sandbox_error *error)
{
	/* `source` is "5" where the group tty has that number and it is mapped; else terminals are root's. */
	const struct filesystem_option options[] = {
		{"newinstance", NULL}, {"ptmxmode", "0666"}, {"mode", step->source ? "0620" : "0600"},
		{step->source ? "gid" : NULL, step->source}, {NULL}};

	return mount_filesystem(work, step, "devpts", options, error);
}
