/* Single files, links, directories, devices and settings of a sandbox's root. */
#include "rootfs/mount_work.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/file.h"
#include "base/memory.h"
#include "base/scope.h"
#include "rootfs/filesystem.h"
#include "rootfs/root_path.h"

enum { ENTRIES_MAX = 1 << 20 };

int mount_apply_directory(struct mount_work *work, const struct mount_step *step, struct sandbox_error *error)
{
	auto_close int present = root_open(work->root, step->target, O_PATH, ROOT_FOLLOW);
	auto_close int made = -1;

	if (present >= 0)
		return 0;
	made = root_make_directory(work->root, step->target, 0755, ROOT_FOLLOW, error);
	if (made < 0)
		return made;
	/* The umask is not ours to trust, and O_PATH descriptors take no fchmod. */
	if (fchmodat(made, ".", step->mode, 0) < 0)
		return error_set(error, errno, "set the mode of %s", step->target);
	return 0;
}

int mount_apply_symlink(struct mount_work *work, const struct mount_step *step, struct sandbox_error *error)
{
	const char *fresh = mount_name_in_fresh(work, step->target), *name = strrchr(step->target, '/') + 1;
	auto_free char *parent = memory_text_n(step->target, (size_t)(name - step->target));
	auto_close int directory = -1;

	if (fresh && symlinkat(step->source, work->fresh, fresh) == 0)
		return 0;
	directory = root_open(work->root, parent, O_PATH | O_DIRECTORY, ROOT_NO_LINKS);
	if (directory < 0)
		return error_set(error, -directory, "open %s", parent);
	if (symlinkat(step->source, directory, name) < 0)
		return error_set(error, errno, "make the link %s", step->target);
	return 0;
}

/*
 * A detached copy of the host's node, which must be the device `number` (0: any). The node is the host's, but
 * who starts us may have put something else in its place, for a nested root to trip over (CVE-2025-31133).
 */
int mount_clone_device(const char *path, dev_t number, struct sandbox_error *error)
{
	auto_close int node = open_tree(AT_FDCWD, path, OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC | AT_SYMLINK_NOFOLLOW);
	struct stat status;

	if (node < 0)
		return error_set(error, errno, "open the host's %s", path);
	if (fstat(node, &status) < 0)
		return error_set(error, errno, "stat the host's %s", path);
	if ((!S_ISCHR(status.st_mode) && !S_ISBLK(status.st_mode)) || (number && status.st_rdev != number)) {
		error_set(error, ENODEV, "use the host's %s", path);
		error_cause(error, SANDBOX_E_NONE, "it is not the device that its name promises");
		return error_fix(error, "remove what is in its place, and make it again with mknod(1)");
	}
	return take_fd(&node);
}

static int make_device_target(const struct mount_work *work, const char *path, struct sandbox_error *error)
{
	const char *name = mount_name_in_fresh(work, path);
	int file = name ? openat(work->fresh, name, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0666) : -1;

	return file >= 0 ? file : root_make_file(work->root, path, 0666, error);
}

int mount_apply_device(struct mount_work *work, const struct mount_step *step, struct sandbox_error *error)
{
	auto_close int node = mount_clone_device(step->source, step->device, error);
	auto_close int target = -1;

	if (node < 0)
		return node;
	target = make_device_target(work, step->target, error);
	if (target < 0)
		return target;
	return filesystem_attach(node, target, step->target, error);
}

/* The file lives on our tmpfs, so the image and the writable layer are not touched by it. */
int mount_apply_file(struct mount_work *work, const struct mount_step *step, struct sandbox_error *error)
{
	auto_close int target = root_make_file(work->root, step->target, 0644, error);
	auto_close int file = -1, mount = -1;
	char name[32];
	int result;

	if (target < 0)
		return target;
	(void)snprintf(name, sizeof(name), "file-%u", work->files++);
	file = openat(work->scratch, name, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0644);
	if (file < 0)
		return error_set(error, errno, "make the file for %s", step->target);
	result = fd_write_all(file, step->source, strlen(step->source));
	if (result < 0)
		return error_set(error, -result, "write the file for %s", step->target);
	mount = open_tree(work->scratch, name, OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC);
	if (mount < 0)
		return error_set(error, errno, "bind the file for %s", step->target);
	return filesystem_attach(mount, target, step->target, error);
}

/* The third field of passwd(5) and group(5) is the number. */
static bool entry_number(const char *line, size_t size, const char **out, size_t *out_size)
{
	const char *end = line + size, *cursor = line;

	for (int field = 0; field < 2; field++) {
		cursor = memchr(cursor, ':', (size_t)(end - cursor));
		if (!cursor++)
			return false;
	}
	*out = cursor;
	cursor = memchr(cursor, ':', (size_t)(end - cursor));
	*out_size = cursor ? (size_t)(cursor - *out) : 0;
	return cursor != NULL;
}

static bool has_entry(const char *text, const char *entry)
{
	const char *number, *wanted;
	size_t size, wanted_size;

	if (!entry_number(entry, strlen(entry), &wanted, &wanted_size))
		return true;
	while (*text) {
		size_t length = strcspn(text, "\n");

		if (entry_number(text, length, &number, &size) && size == wanted_size && memcmp(number, wanted, size) == 0)
			return true;
		text += length + (text[length] == '\n');
	}
	return false;
}

/* In the writable layer: unlike a file laid over it, this one can still be replaced by useradd(8). */
int mount_apply_entry(struct mount_work *work, const struct mount_step *step, struct sandbox_error *error)
{
	auto_close int present = root_make_file(work->root, step->target, 0644, error);
	auto_close int file = -1;
	auto_free char *text = NULL;
	size_t size;
	int result;

	if (present < 0)
		return present;
	file = root_open(work->root, step->target, O_RDWR | O_APPEND | O_NOCTTY | O_NONBLOCK, ROOT_FOLLOW);
	if (file < 0)
		return error_set(error, -file, "open %s", step->target);
	result = file_read_fd(file, step->target, ENTRIES_MAX, &text, &size, error);
	if (result < 0 || has_entry(text, step->source))
		return result;
	/* The last line of the image's file may lack its end. */
	if (size && text[size - 1] != '\n')
		result = fd_write_all(file, "\n", 1);
	if (result == 0)
		result = fd_write_all(file, step->source, strlen(step->source));
	return result < 0 ? error_set(error, -result, "write %s", step->target) : 0;
}

/* One of ours that fails is no mistake of the user's. */
static int sysctl_error(const struct mount_step *step, const char *cause, struct sandbox_error *error)
{
	if (strcmp(step->why, "sysctl") != 0)
		return -error->code;
	error_cause(error, SANDBOX_E_NONE, "%s", cause);
	return error_fix(error, "check it: `sysctl -a` lists the names and values of this machine");
}

int mount_apply_sysctl(struct mount_work *work, const struct mount_step *step, struct sandbox_error *error)
{
	auto_close int file = root_open(work->root, step->target, O_WRONLY | O_NOCTTY, ROOT_NO_LINKS);

	if (file < 0) {
		error_set(error, -file, "open %s", step->target);
		return sysctl_error(step, "the kernel has no such setting for a sandbox to change", error);
	}
	if (write(file, step->source, strlen(step->source)) < 0) {
		error_set(error, errno, "write \"%s\" to %s", step->source, step->target);
		return sysctl_error(step, "the kernel does not take that value", error);
	}
	return 0;
}
