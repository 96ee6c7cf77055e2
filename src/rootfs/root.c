#include "rootfs/root.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/xattr.h>
#include <unistd.h>

#include "base/memory.h"
#include "base/scope.h"
#include "base/test_switch.h"
#include "kernel/syscalls.h"
#include "rootfs/filesystem.h"

/* Of the options' page; the others need their part. */
enum { LOWER_NAMES_MAX = 3500 };

struct lower_descriptors {
	int *items;
	size_t count;
};

bool root_tmpfs_holds_attributes(void)
{
	/* A memfd is a file of the kernel's own tmpfs: it has the same attributes. */
	auto_close int file = memfd_create("sandbox-probe", MFD_CLOEXEC);

	return file >= 0 && fsetxattr(file, "user.overlay.probe", "", 0, 0) == 0;
}

/* The tmpfs that holds the writable layer, the mount point of the root, and the files laid over /etc. */
static int make_scratch(const struct root_plan *plan, struct sandbox_error *error)
{
	char size[32], inodes[32];
	const struct filesystem_option options[] = {{"size", size}, {"nr_inodes", inodes}, {"mode", "0700"}, {NULL}};
	auto_close int scratch = -1, here = open(".", O_PATH | O_DIRECTORY | O_CLOEXEC);
	int result;

	if (here < 0)
		return error_set(error, errno, "open the directory of layers");
	(void)snprintf(size, sizeof(size), "%llu", (unsigned long long)plan->tmpfs_size);
	(void)snprintf(inodes, sizeof(inodes), "%llu", (unsigned long long)plan->tmpfs_inodes);
	scratch = filesystem_make("tmpfs", options, MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV, error);
	if (scratch < 0)
		return scratch;
	/* It covers the current directory for everybody who walks there, but not for us who stand in it. */
	result = filesystem_attach(scratch, here, "the directory of layers", error);
	if (result == 0 && mkdirat(scratch, "root", 0700) < 0)
		result = error_set(error, errno, "make the mount point of the root");
	return result < 0 ? result : take_fd(&scratch);
}

/* The highest layer that says something of the root: where an archive does not list it, that is of 1970. */
static int stat_root(int below, const struct sandbox_strings *layers, struct stat *out, struct sandbox_error *error)
{
	size_t layer = layers->count;

	do {
		layer--;
		if (fstatat(below, layers->items[layer], out, AT_SYMLINK_NOFOLLOW) < 0)
			return error_set(error, errno, "stat the root of layer %s", layers->items[layer]);
	} while (layer > 0 && out->st_mtim.tv_sec == 0);
	return 0;
}

/*
 * The root directory of an overlay has the attributes of its uppermost directory: give a fresh upper
 * layer those of the image's root.
 */
static int make_upper(int directory, const char *name, int below, const struct sandbox_strings *layers,
	struct sandbox_error *error)
{
	struct stat status;
	int result = stat_root(below, layers, &status, error);

	if (result < 0)
		return result;
	if (mkdirat(directory, name, 0700) < 0 && errno != EEXIST)
		return error_set(error, errno, "make the writable layer");
	if (fchownat(directory, name, status.st_uid, status.st_gid, 0) < 0 ||
	    fchmodat(directory, name, status.st_mode & 07777, 0) < 0)
		return error_set(error, errno, "give the writable layer the attributes of the image's root");
	return 0;
}

static int make_work(int directory, struct sandbox_error *error)
{
	if (mkdirat(directory, "work", 0700) < 0 && errno != EEXIST)
		return error_set(error, errno, "make the writable layer");
	return 0;
}

int root_prepare_upper(int directory, int below, const struct sandbox_strings *layers, struct sandbox_error *error)
{
	int result = make_work(directory, error);

	if (result < 0 || faccessat(directory, "upper", F_OK, AT_SYMLINK_NOFOLLOW) == 0)
		return result;
	/* It has its name once it is complete: whoever is killed before has made none. */
	result = make_upper(directory, "upper.new", below, layers, error);
	test_point("root.upper-made");
	if (result == 0 && renameat(directory, "upper.new", directory, "upper") < 0)
		result = error_set(error, errno, "make the writable layer");
	return result;
}

static int make_fresh_upper(int directory, const struct sandbox_strings *layers, struct sandbox_error *error)
{
	int result = make_work(directory, error);

	return result < 0 ? result : make_upper(directory, "upper", AT_FDCWD, layers, error);
}

/* "upper:…:lowest", as overlay wants it. */
static char *lower_directories(const struct sandbox_strings *layers)
{
	char *text = memory_text("");

	for (size_t i = layers->count; i-- > 0;)
		memory_append(&text, "%s%s", *text ? ":" : "", layers->items[i]);
	return text;
}

/* The current directory itself is the only layer. */
static bool is_folder(const struct root_plan *plan)
{
	return plan->layers.count == 1 && strcmp(plan->layers.items[0], ".") == 0;
}

static int overlay_error(const struct root_plan *plan, int code, struct sandbox_error *error)
{
	error_set(error, code, "mount overlay");
	if (code == ENODEV || code == EPERM || code == ENOSYS) {
		error_cause(error, SANDBOX_E_OVERLAY, "this kernel has no overlay file system for user namespaces "
			"(Linux 5.11 and later have it, as a module perhaps not loaded)");
		return error_fix(error, "sudo modprobe overlay");
	}
	if (code == EINVAL && plan->upper) {
		error_cause(error, SANDBOX_E_OVERLAY, "the writable layer cannot lie on this file system (an overlay itself, "
			"or one without user attributes)");
		return error_fix(error, "name another place with --state DIR, or use --overlay=tmpfs");
	}
	if (is_folder(plan)) {
		error_cause(error, SANDBOX_E_FOLDER, "overlay cannot stand on its file system (a stack of overlays, or one "
			"that ignores case), or something is mounted in it");
		return error_fix(error, "copy it to another file system, or import it: "
			"tar -C DIR -c . | sandbox import --name NAME -");
	}
	error_cause(error, SANDBOX_E_OVERLAY, "the kernel refused the layers of the image");
	return error_fix(error, "put the store on another file system with --root DIR");
}

static int mount_lowers(const struct root_plan *plan, const char *lowers, int scratch, int upper,
	struct sandbox_error *error)
{
	auto_free char *writable = upper < 0 ? memory_text("") : memory_format(",upperdir=/proc/self/fd/%d/upper,"
		"workdir=/proc/self/fd/%d/work%s", upper, upper, plan->upper && !plan->upper_stays ? ",volatile" : "");
	auto_free char *options = memory_format("userxattr,lowerdir=%s%s", lowers, writable);
	auto_free char *target = memory_format("/proc/self/fd/%d/root", scratch);
	unsigned long flags = MS_NODEV | (plan->nosuid && !test_defence_removed("nosuid") ? MS_NOSUID : 0);

	if (mount("overlay", target, "overlay", flags, options) < 0)
		return overlay_error(plan, errno, error);
	return 0;
}

static void close_all(struct lower_descriptors *list)
{
	for (size_t i = 0; i < list->count; i++)
		(void)close(list->items[i]);
	free(list->items);
}

/*
 * For more layers than their names fit into the page that mount(2) takes: each is opened, and named by the number of its
 * descriptor, as seen from /proc/self/fd. (lowerdir+ of fsconfig(2) would do, but needs Linux 6.7.)
 */
static int mount_many(const struct root_plan *plan, int scratch, int upper, struct sandbox_error *error)
{
	auto_finish(close_all) struct lower_descriptors list = {memory_zeroed(plan->layers.count, sizeof(int)), 0};
	auto_free char *lowers = memory_text("");
	auto_close int here = open(".", O_PATH | O_DIRECTORY | O_CLOEXEC);
	int result;

	for (size_t i = plan->layers.count; i-- > 0; list.count++) {
		int fd = list.items[list.count] = open(plan->layers.items[i], O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);

		if (fd < 0)
			return error_set(error, errno, "open the layer %s", plan->layers.items[i]);
		memory_append(&lowers, "%s%d", *lowers ? ":" : "", fd);
	}
	if (here < 0 || chdir("/proc/self/fd") < 0)
		return error_set(error, errno, "enter /proc/self/fd");
	result = mount_lowers(plan, lowers, scratch, upper, error);
	/* The directory that is stood in is where the layers are reached from: init.c. */
	return fchdir(here) < 0 ? error_set(error, errno, "return to the directory of layers") : result;
}

static int mount_overlay(const struct root_plan *plan, int scratch, int upper, struct sandbox_error *error)
{
	auto_free char *lowers = lower_directories(&plan->layers);

	if (strlen(lowers) > LOWER_NAMES_MAX)
		return mount_many(plan, scratch, upper, error);
	return mount_lowers(plan, lowers, scratch, upper, error);
}

int root_open_upper(const struct root_plan *plan, int *out, struct sandbox_error *error)
{
	*out = -1;
	if (!plan->upper)
		return 0;
	*out = open(plan->upper, O_PATH | O_DIRECTORY | O_CLOEXEC);
	return *out < 0 ? error_set(error, errno, "open the writable layer") : 0;
}

int root_make_private(struct sandbox_error *error)
{
	if (mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) < 0)
		return error_set(error, errno, "make the mounts private");
	return 0;
}

int root_build(const struct root_plan *plan, int upper, struct mount_target *out, struct sandbox_error *error)
{
	auto_close int scratch = -1, root = -1;
	int result;

	scratch = make_scratch(plan, error);
	if (scratch < 0)
		return scratch;
	if (upper < 0)
		upper = scratch;
	result = plan->upper_stays ? root_prepare_upper(upper, AT_FDCWD, &plan->layers, error)
			: make_fresh_upper(upper, &plan->layers, error);
	if (result == 0)
		result = mount_overlay(plan, scratch, upper, error);
	if (result < 0)
		return result;
	root = openat(scratch, "root", O_PATH | O_DIRECTORY | O_CLOEXEC);
	if (root < 0)
		return error_set(error, errno, "open the new root");
	out->root = take_fd(&root);
	out->scratch = take_fd(&scratch);
	return 0;
}

int root_build_lower(const struct root_plan *plan, struct sandbox_error *error)
{
	auto_close int scratch = -1;
	int result, root;

	/* Overlay wants two at least. */
	if (plan->layers.count == 1) {
		root = open(plan->layers.items[0], O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
		return root < 0 ? error_set(error, errno, "open the layer %s", plan->layers.items[0]) : root;
	}
	scratch = make_scratch(plan, error);
	if (scratch < 0)
		return scratch;
	result = mount_overlay(plan, scratch, -1, error);
	if (result < 0)
		return result;
	root = openat(scratch, "root", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	return root < 0 ? error_set(error, errno, "open the earlier root") : root;
}

int root_enter(int root, struct sandbox_error *error)
{
	/* Both arguments ".": the old root ends up on top of the new one, from where it is taken off. */
	if (fchdir(root) < 0 || kernel_pivot_root(".", ".") < 0)
		return error_set(error, errno, "change the root");
	if (!test_defence_removed("detach-old-root") && umount2(".", MNT_DETACH) < 0)
		return error_set(error, errno, "detach the old root");
	if (chdir("/") < 0)
		return error_set(error, errno, "enter the new root");
	return 0;
}
