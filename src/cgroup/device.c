#include "cgroup/device.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>

#include "base/file.h"
#include "base/memory.h"
#include "base/scope.h"

/* A partition's directory lies in that of its disk, and says so by a file of this name. */
static int find_whole(unsigned int *major, unsigned int *minor, struct sandbox_error *error)
{
	auto_free char *directory = memory_format("/sys/dev/block/%u:%u", *major, *minor);
	auto_free char *disk = memory_format("%s/../dev", directory), *partition = memory_format("%s/partition", directory);
	auto_free char *number = NULL;
	struct stat status;
	int result;

	if (stat(partition, &status) < 0)
		return 0;
	result = file_read(AT_FDCWD, disk, 64, &number, NULL, error);
	if (result == 0 && sscanf(number, "%u:%u", major, minor) != 2)
		return error_set(error, EPROTO, "read %s", disk);
	return result;
}

bool cgroup_device_has_bfq(void)
{
	auto_closedir DIR *disks = opendir("/sys/block");
	struct dirent *entry;

	while (disks && (entry = readdir(disks))) {
		auto_free char *path = memory_format("/sys/block/%s/queue/scheduler", entry->d_name), *text = NULL;

		if (entry->d_name[0] != '.' && file_read(AT_FDCWD, path, 4096, &text, NULL, NULL) == 0 && strstr(text, "[bfq]"))
			return true;
	}
	return false;
}

bool cgroup_device_has_cost(const char *mount)
{
	auto_free char *path = memory_format("%s/io.cost.qos", mount), *text = NULL;

	return file_read(AT_FDCWD, path, 65536, &text, NULL, NULL) == 0 && strstr(text, "enable=1");
}

int cgroup_device_find(const char *path, unsigned int *out_major, unsigned int *out_minor, struct sandbox_error *error)
{
	struct stat status;
	dev_t device;

	if (stat(path, &status) < 0) {
		error_set(error, errno, "find the block device of %s", path);
		error_cause(error, SANDBOX_E_USAGE, "the path is not there, or not yours to see");
		return error_fix(error, "name a file or folder on that disk, or its device (see lsblk(8))");
	}
	device = S_ISBLK(status.st_mode) ? status.st_rdev : status.st_dev;
	*out_major = major(device);
	*out_minor = minor(device);
	if (*out_major == 0) {
		error_set(error, ENOTBLK, "find the block device of %s", path);
		error_cause(error, SANDBOX_E_LIMIT_UNAVAILABLE, "its file system lies on no single device "
			"(tmpfs, overlay, btrfs, nfs)");
		return error_fix(error, "name the device itself, such as /dev/sda (see lsblk(8))");
	}
	return find_whole(out_major, out_minor, error);
}
