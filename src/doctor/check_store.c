/* Where images and writable layers lie. */
#include "doctor/check.h"

#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <stdio.h>
#include <sys/statvfs.h>
#include <sys/xattr.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/memory.h"
#include "base/scope.h"
#include "base/text.h"
#include "doctor/probe_archive.h"
#include "image/image.h"
#include "rootfs/root.h"
#include "runtime/control.h"
#include "runtime/upper.h"
#include "userns/userns.h"

enum {
	WRITTEN_BYTES = 16 << 20, /* less is no room for anything */
	SCRATCH_SIZE = 1 << 20,
	SCRATCH_INODES = 64,
};

/* Below this an image of Debian, and what a run writes, may not fit. */
static const uint64_t room_comfortable = 256 << 20;

/* ---- the store ---- */

/* Quotas and full disks show when blocks are really taken. */
static int write_something(int directory, const char *store, struct sandbox_error *error)
{
	auto_close int file = openat(directory, "probe", O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600);

	if (file < 0)
		return image_store_explain(errno, store, "make a file in", error);
	if (fallocate(file, 0, 0, WRITTEN_BYTES) < 0 && errno != EOPNOTSUPP)
		return image_store_explain(errno, store, "write to", error);
	return 0;
}

static int write_in_store(struct image_store *store, struct sandbox_error *error)
{
	auto_finish(staging_finish) struct staging staging = STAGING_INIT;
	struct idmap map;
	int result = staging_create(store, &staging, error);

	if (result < 0)
		return image_store_explain(-result, store->path, "make a directory in", error);
	result = write_something(staging.wrapper, store->path, error);
	/* There is nothing in it that would need a user namespace. */
	idmap_single(&map, geteuid(), getegid());
	if (staging_remove(store, &staging, &map, result < 0 ? NULL : error) < 0 && result == 0)
		result = error->code ? -error->code : -EINVAL;
	return result;
}

static int describe_room(const struct image_store *store, struct check_report *report)
{
	struct statvfs room;
	uint64_t bytes;
	char size[24];

	if (fstatvfs(store->root, &room) < 0)
		return error_set(&report->error, errno, "look at the file system of %s", store->path);
	bytes = (uint64_t)room.f_bavail * room.f_frsize;
	(void)snprintf(report->found, sizeof(report->found), "%s free in %.100s", text_format_size(bytes, size, sizeof(size)),
		store->path);
	if (bytes >= room_comfortable && (!room.f_files || room.f_favail >= SCRATCH_INODES))
		return 0;
	report->health = SANDBOX_HEALTH_DEGRADED;
	(void)image_store_explain(ENOSPC, store->path, "unpack larger images to", &report->error);
	return error_cause(&report->error, SANDBOX_E_NO_SPACE, "only %s are free there", size);
}

int check_store(const struct examination *examination, struct check_report *report)
{
	auto_finish(image_store_finish) struct image_store store = IMAGE_STORE_INIT;
	int result = image_store_open(examination->locations->store, &store, &report->error);

	if (result == 0)
		result = write_in_store(&store, &report->error);
	return result < 0 ? result : describe_room(&store, report);
}

int check_attributes(const struct examination *examination, struct check_report *report)
{
	auto_free char *path = memory_format("%s/attributes", examination->room);
	auto_close int file = open(path, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600);

	if (file < 0)
		return error_set(&report->error, errno, "make %s", path);
	if (fsetxattr(file, "user.sandbox.probe", "", 0, 0) == 0)
		return 0;
	error_set(&report->error, errno, "set an attribute of a file in %s", examination->store.path);
	error_cause(&report->error, SANDBOX_E_NO_ATTRIBUTES, "its file system has none: what images say of attributes is left "
		"out, and --userns=single cannot keep owners");
	return error_fix(&report->error, "put the store on another file system (ext4, xfs, btrfs) with --root DIR");
}

/* ---- an image in a store of its own ---- */

static int resolve(const struct examination *examination, struct image_store *store, struct image *image,
	struct sandbox_error *error)
{
	auto_free char *path = memory_format("%s/store", examination->room);
	auto_free char *archive = memory_format("%s/archive.tar", examination->room);
	struct image_request request;
	int result = image_store_open(path, store, error);

	image_request_init(&request, &examination->idmap);
	request.archive_only = true;
	return result < 0 ? result : image_resolve(store, archive, &request, image, error);
}

int check_import(const struct examination *examination, struct check_report *report)
{
	auto_finish(image_store_finish) struct image_store store = IMAGE_STORE_INIT;
	auto_finish(image_finish) struct image image = {0};
	auto_free char *archive = memory_format("%s/archive.tar", examination->room);
	int result = probe_archive_write(archive, &report->error);

	return result < 0 ? result : resolve(examination, &store, &image, &report->error);
}

/* ---- the overlay ---- */

struct overlay_task {
	struct root_plan plan;
	int layers;
};

/* As init builds its root; and then something is written to it. */
static int build_and_write(void *argument, struct sandbox_error *error)
{
	const struct overlay_task *task = argument;
	struct mount_target target = {-1, -1, NULL};
	auto_close int file = -1, upper = -1;
	int result;

	if (fchdir(task->layers) < 0)
		return error_set(error, errno, "enter the store's directory of layers");
	if (unshare(CLONE_NEWNS) < 0)
		return error_set(error, errno, "make a mount namespace");
	result = root_make_private(error);
	if (result == 0)
		result = root_open_upper(&task->plan, &upper, error);
	if (result == 0)
		result = root_build(&task->plan, upper, &target, error);
	if (result < 0)
		return result;
	file = openat(target.root, PROBE_NAME, O_WRONLY | O_APPEND | O_CLOEXEC);
	result = file < 0 ? -errno : fd_write_all(file, "", 1);
	return result < 0 ? error_set(error, -result, "write to a file of a lower layer") : 0;
}

/* `upper` is a directory, or NULL for a tmpfs. */
static int try_overlay(const struct examination *examination, char *upper, struct sandbox_error *error)
{
	auto_finish(image_store_finish) struct image_store store = IMAGE_STORE_INIT;
	auto_finish(image_finish) struct image image = {0};
	struct overlay_task task = {.plan = {.upper = upper, .tmpfs_size = SCRATCH_SIZE, .tmpfs_inodes = SCRATCH_INODES}};
	int result = resolve(examination, &store, &image, error);

	if (result < 0)
		return result;
	task.plan.layers = image.layers;
	task.layers = store.layers;
	/* The copy of the program has to find room. */
	if (!upper)
		task.plan.tmpfs_size += image.record.counts.apparent_bytes;
	result = userns_run(&examination->idmap, build_and_write, &task, error);
	return result < 0 ? userns_explain_refusal(error) : 0;
}

int check_overlay(const struct examination *examination, struct check_report *report)
{
	if (root_tmpfs_holds_attributes())
		return try_overlay(examination, NULL, &report->error);
	report->health = SANDBOX_HEALTH_DEGRADED;
	error_set(&report->error, EOPNOTSUPP, "put the writable layer on a tmpfs");
	error_cause(&report->error, SANDBOX_E_OVERLAY, "this kernel's tmpfs has no user attributes: what a sandbox writes goes "
		"to the disk, which is slower and has no size limit");
	return error_fix(&report->error, "use Linux 6.6 or newer, or bear it");
}

int check_overlay_disk(const struct examination *examination, struct check_report *report)
{
	auto_finish(upper_remove) struct upper_layer upper = UPPER_LAYER_INIT;
	int result = upper_make(&upper, examination->locations->state, &examination->idmap, &report->error);

	if (result == 0)
		return try_overlay(examination, upper.path, &report->error);
	error_cause(&report->error, SANDBOX_E_HOME_UNUSABLE, "sandboxes that are kept, and --overlay=disk, write there");
	return error_fix(&report->error, "name a directory that you may write to with --state DIR");
}

/* ---- live state ---- */

int check_runtime(const struct examination *examination, struct check_report *report)
{
	auto_finish(control_finish) struct control control = CONTROL_INIT;
	auto_free char *name = memory_format("dr-%d", (int)getpid());
	int result = control_open(&control, examination->locations->runtime, name, &report->error);

	if (result == 0) {
		(void)snprintf(report->found, sizeof(report->found), "%s", examination->locations->runtime);
		return 0;
	}
	if (report->error.id != SANDBOX_E_NONE)
		return result;
	error_cause(&report->error, SANDBOX_E_HOME_UNUSABLE, "the sockets of running sandboxes are there");
	return error_fix(&report->error, "name a directory that you may write to with --runroot DIR");
}
