#include "rootfs/mount_list.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/magic.h>
#include <linux/openat2.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <sys/vfs.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/file.h"
#include "base/memory.h"
#include "base/scope.h"
#include "base/test_switch.h"
#include "kernel/syscalls.h"
#include "rootfs/filesystem.h"
#include "rootfs/root_path.h"

enum { ENTRIES_MAX = 1 << 20 };

/* What one application carries from step to step. */
struct mount_work {
	int root;
	int scratch;
	int source;          /* of the present step, or -1 */
	unsigned int files;  /* how many were made in scratch: their names */
	bool has_lent;       /* something of the host's is mounted */
	dev_t *own;          /* file systems in which directories may be made: the root, and our own tmpfs */
	size_t own_count;
};

static void mount_work_finish(struct mount_work *work)
{
	free(work->own);
}

void mount_list_add(struct mount_list *list, const struct mount_step *step)
{
	struct mount_step *copy;

	list->steps = memory_resize(list->steps, list->count + 1, sizeof(*list->steps));
	copy = &list->steps[list->count++];
	*copy = *step;
	copy->target = memory_text(step->target);
	copy->source = memory_text(step->source);
}

void mount_list_finish(struct mount_list *list)
{
	for (size_t i = 0; i < list->count; i++) {
		free(list->steps[i].target);
		free(list->steps[i].source);
	}
	free(list->steps);
	*list = (struct mount_list){0};
}

/* ---- what the host lends ---- */

/* The path has no links since it was decided on; a link or another file there now was put there meanwhile. */
static int open_source(const struct mount_step *step, struct sandbox_error *error)
{
	const uint64_t attributes = MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV | step->attributes;
	auto_close int file = kernel_openat2(AT_FDCWD, step->source, O_PATH, 0, RESOLVE_NO_SYMLINKS);
	auto_close int tree = -1;
	struct stat status;

	if (file < 0 || fstat(file, &status) < 0)
		return error_set(error, errno, "open %s", step->source);
	if (status.st_dev != step->device || status.st_ino != step->inode)
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
static int refuse_kernel_files(int target, const char *path, struct sandbox_error *error)
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

static int own_device(struct mount_work *work, int fd, struct sandbox_error *error)
{
	struct stat status;

	if (fstat(fd, &status) < 0)
		return error_set(error, errno, "stat a file system");
	work->own = memory_resize(work->own, work->own_count + 1, sizeof(*work->own));
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
static int check_missing_target(const struct mount_work *work, const struct mount_step *step,
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

static int apply_bind(struct mount_work *work, const struct mount_step *step, struct sandbox_error *error)
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
	result = refuse_kernel_files(target, step->target, error);
	work->has_lent = true;
	return result < 0 ? result : filesystem_attach(work->source, target, step->target, error);
}

/* ---- file systems of their own ---- */

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

	if (!is_left_to_host(type))
		return filesystem_make(type, options, step->attributes, error);
	copy = open_tree(AT_FDCWD, step->target, OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC | AT_RECURSIVE);
	if (copy < 0)
		return error_set(error, errno, "show the host's %s", step->target);
	if (filesystem_set_attributes(copy, step->attributes) < 0)
		return error_set(error, errno, "set the attributes of the host's %s", step->target);
	return take_fd(&copy);
}

static int mount_filesystem(struct mount_work *work, const struct mount_step *step, const char *type,
	const struct filesystem_option *options, struct sandbox_error *error)
{
	auto_close int mount = open_filesystem(step, type, options, error);
	auto_close int target = -1;
	int result;

	if (mount < 0)
		return mount;
	target = root_make_directory(work->root, step->target, 0755, step->follow_links ? ROOT_FOLLOW : ROOT_NO_LINKS,
		error);
	if (target < 0)
		return target;
	result = step->follow_links ? refuse_kernel_files(target, step->target, error) : 0;
	if (result == 0)
		result = own_device(work, mount, error);
	return result < 0 ? result : filesystem_attach(mount, target, step->target, error);
}

static int apply_tmpfs(struct mount_work *work, const struct mount_step *step, struct sandbox_error *error)
{
	char size[32], mode[16];
	const struct filesystem_option options[] = {{"size", size}, {"mode", mode}, {NULL}};

	(void)snprintf(size, sizeof(size), "%llu", (unsigned long long)step->size);
	(void)snprintf(mode, sizeof(mode), "%o", step->mode);
	return mount_filesystem(work, step, "tmpfs", options, error);
}

static int apply_proc(struct mount_work *work, const struct mount_step *step, struct sandbox_error *error)
{
	int result = mount_filesystem(work, step, "proc", NULL, error);

	if (result == -EPERM) {
		error_cause(error, SANDBOX_E_PROC_MASKED, "the kernel gives a fresh /proc only where the present one is "
			"fully visible, and here parts of it are masked (an outer container?)");
		(void)error_fix(error, "start the outer container with --security-opt systempaths=unconfined");
	}
	return result;
}

static int apply_sysfs(struct mount_work *work, const struct mount_step *step, struct sandbox_error *error)
{
	return mount_filesystem(work, step, "sysfs", NULL, error);
}

static int apply_mqueue(struct mount_work *work, const struct mount_step *step, struct sandbox_error *error)
{
	return mount_filesystem(work, step, "mqueue", NULL, error);
}

static int apply_cgroup(struct mount_work *work, const struct mount_step *step, struct sandbox_error *error)
{
	return mount_filesystem(work, step, "cgroup2", NULL, error);
}

static int apply_devpts(struct mount_work *work, const struct mount_step *step, struct sandbox_error *error)
{
	/* `source` is "5" where the group tty has that number and it is mapped; else terminals are root's. */
	const struct filesystem_option options[] = {
		{"newinstance", NULL}, {"ptmxmode", "0666"}, {"mode", step->source ? "0620" : "0600"},
		{step->source ? "gid" : NULL, step->source}, {NULL}};

	return mount_filesystem(work, step, "devpts", options, error);
}

/* ---- single files and directories ---- */

static int apply_directory(struct mount_work *work, const struct mount_step *step, struct sandbox_error *error)
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

static int apply_symlink(struct mount_work *work, const struct mount_step *step, struct sandbox_error *error)
{
	const char *name = strrchr(step->target, '/') + 1;
	auto_free char *parent = memory_text_n(step->target, (size_t)(name - step->target));
	auto_close int directory = root_open(work->root, parent, O_PATH | O_DIRECTORY, ROOT_NO_LINKS);

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
static int clone_device(const char *path, dev_t number, struct sandbox_error *error)
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

static int apply_device(struct mount_work *work, const struct mount_step *step, struct sandbox_error *error)
{
	auto_close int node = clone_device(step->source, step->device, error);
	auto_close int target = -1;

	if (node < 0)
		return node;
	target = root_make_file(work->root, step->target, 0666, error);
	if (target < 0)
		return target;
	return filesystem_attach(node, target, step->target, error);
}

/* The file lives on our tmpfs, so the image and the writable layer are not touched by it. */
static int apply_file(struct mount_work *work, const struct mount_step *step, struct sandbox_error *error)
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
static int apply_entry(struct mount_work *work, const struct mount_step *step, struct sandbox_error *error)
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

static int apply_sysctl(struct mount_work *work, const struct mount_step *step, struct sandbox_error *error)
{
	auto_close int file = root_open(work->root, step->target, O_WRONLY | O_NOCTTY, ROOT_NO_LINKS);

	if (file < 0)
		return error_set(error, -file, "open %s", step->target);
	if (write(file, step->source, strlen(step->source)) < 0)
		return error_set(error, errno, "write \"%s\" to %s", step->source, step->target);
	return 0;
}

/* ---- hiding ---- */

static int mask_file(int target, const char *path, struct sandbox_error *error)
{
	/*
	 * Anything else in the place of the null device would be shown to the payload. Copied from the host's each
	 * time: before Linux 6.15 a copy cannot be copied while it is detached.
	 */
	auto_close int mount = clone_device("/dev/null", makedev(1, 3), error);

	return mount < 0 ? mount : filesystem_attach(mount, target, path, error);
}

static int mask_directory(int target, const char *path, struct sandbox_error *error)
{
	static const struct filesystem_option options[] = {{"size", "0"}, {"nr_inodes", "1"}, {"mode", "0555"}, {NULL}};
	const uint64_t attributes = MOUNT_ATTR_RDONLY | MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV | MOUNT_ATTR_NOEXEC;
	auto_close int mount = filesystem_make("tmpfs", options, attributes, error);

	return mount < 0 ? mount : filesystem_attach(mount, target, path, error);
}

static int apply_mask(struct mount_work *work, const struct mount_step *step, struct sandbox_error *error)
{
	auto_close int target = -1;
	struct stat status;

	if (test_defence_removed("mask-paths"))
		return 0;
	target = root_open(work->root, step->target, O_PATH, ROOT_NO_LINKS);
	if (target < 0)
		return error_set(error, -target, "mask %s", step->target);
	if (fstat(target, &status) < 0)
		return error_set(error, errno, "stat %s", step->target);
	return S_ISDIR(status.st_mode) ? mask_directory(target, step->target, error)
				       : mask_file(target, step->target, error);
}

static int apply_read_only(struct mount_work *work, const struct mount_step *step, struct sandbox_error *error)
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

static int apply_seal(struct mount_work *work, const struct mount_step *step, struct sandbox_error *error)
{
	struct mount_attr read_only = {.attr_set = MOUNT_ATTR_RDONLY};

	(void)step;
	/* Not recursive: what was mounted below keeps its own mind. */
	if (mount_setattr(work->root, "", AT_EMPTY_PATH, &read_only, sizeof(read_only)) < 0)
		return error_set(error, errno, "make the root read-only");
	return 0;
}

/* ---- all of it ---- */

static const struct {
	const char *name;
	int (*apply)(struct mount_work *work, const struct mount_step *step, struct sandbox_error *error);
} kinds[] = {
	[MOUNT_DIRECTORY] = {"directory", apply_directory},
	[MOUNT_TMPFS] = {"tmpfs", apply_tmpfs},
	[MOUNT_PROC] = {"proc", apply_proc},
	[MOUNT_SYSFS] = {"sysfs", apply_sysfs},
	[MOUNT_DEVPTS] = {"devpts", apply_devpts},
	[MOUNT_MQUEUE] = {"mqueue", apply_mqueue},
	[MOUNT_CGROUP] = {"cgroup2", apply_cgroup},
	[MOUNT_DEVICE] = {"device", apply_device},
	[MOUNT_SYMLINK] = {"symlink", apply_symlink},
	[MOUNT_ENTRY] = {"entry", apply_entry},
	[MOUNT_FILE] = {"file", apply_file},
	[MOUNT_SYSCTL] = {"sysctl", apply_sysctl},
	[MOUNT_MASK] = {"mask", apply_mask},
	[MOUNT_READ_ONLY] = {"read-only", apply_read_only},
	[MOUNT_BIND] = {"bind", apply_bind},
	[MOUNT_SEAL] = {"seal", apply_seal},
};

const char *mount_kind_name(enum mount_kind kind)
{
	return kinds[kind].name;
}

/* What an optional step may meet: the kernel was built without the thing, or does not show it. */
static bool is_absence(int result)
{
	return result == -ENOENT || result == -ENODEV || result == -ENXIO;
}

int mount_list_apply(const struct mount_list *list, const struct mount_target *target, struct sandbox_error *error)
{
	auto_finish(mount_work_finish) struct mount_work work = {
		.root = target->root, .scratch = target->scratch};

	if (own_device(&work, target->root, error) < 0)
		return -EIO;
	for (size_t i = 0; i < list->count; i++) {
		const struct mount_step *step = &list->steps[i];
		int result;

		work.source = target->sources->fds[i];
		result = check_missing_target(&work, step, error);
		if (result == 0)
			result = kinds[step->kind].apply(&work, step, error);

		if (result < 0 && !(step->optional && is_absence(result)))
			return result;
	}
	error_clear(error);
	return 0;
}
