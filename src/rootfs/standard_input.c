#include "rootfs/standard_input.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/openat2.h>
#include <stdbool.h>
#include <stdio.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/log.h"
#include "base/scope.h"
#include "base/test_switch.h"
#include "kernel/syscalls.h"
#include "rootfs/filesystem.h"

/* Opened for writing, too, the payload may write anyway. */
static bool is_file_to_read(struct stat *status)
{
	int flags = fcntl(STDIN_FILENO, F_GETFL);

	return flags >= 0 && (flags & O_ACCMODE) == O_RDONLY && fstat(STDIN_FILENO, status) == 0 &&
		S_ISREG(status->st_mode) && status->st_nlink > 0;
}

/* The same file by its name, and so by a mount of this namespace. A descriptor or -1. */
static int open_by_name(const struct stat *wanted)
{
	char path[PATH_MAX];
	ssize_t length = readlink("/proc/self/fd/0", path, sizeof(path) - 1);
	auto_close int file = -1;
	struct stat found;

	if (length < 0)
		return -1;
	path[length] = '\0';
	file = kernel_openat2(AT_FDCWD, path, O_PATH, 0, RESOLVE_NO_SYMLINKS);
	if (file < 0 || fstat(file, &found) < 0 || found.st_dev != wanted->st_dev || found.st_ino != wanted->st_ino)
		return -1;
	return take_fd(&file);
}

int standard_input_lend(struct standard_input *input, struct sandbox_error *error)
{
	const uint64_t attributes = MOUNT_ATTR_RDONLY | MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV | MOUNT_ATTR_NOEXEC;
	auto_close int file = -1;
	struct stat status;

	if (test_defence_removed("input") || !is_file_to_read(&status))
		return 0;
	file = open_by_name(&status);
	if (file < 0) {
		log_notice("standard input was moved or hidden: the command could change that file");
		return 0;
	}
	input->mount = open_tree(file, "", OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC | AT_EMPTY_PATH);
	if (input->mount < 0 || filesystem_set_attributes(input->mount, attributes) < 0)
		return error_set(error, errno, "protect standard input");
	return 0;
}

int standard_input_replace(struct standard_input *input, struct sandbox_error *error)
{
	auto_close int mount = take_fd(&input->mount), file = -1;
	char path[32];

	if (mount < 0)
		return 0;
	(void)snprintf(path, sizeof(path), "/proc/self/fd/%d", mount);
	file = open(path, O_RDONLY | O_NOCTTY | O_CLOEXEC);
	/* What the root of the sandbox may not open, the payload may not open again, either. */
	if (file < 0 && errno == EACCES)
		return 0;
	input->caller = file < 0 ? -1 : fcntl(STDIN_FILENO, F_DUPFD_CLOEXEC, 3);
	if (input->caller < 0 || lseek(file, lseek(STDIN_FILENO, 0, SEEK_CUR), SEEK_SET) < 0 || dup2(file, STDIN_FILENO) < 0)
		return error_set(error, errno, "replace standard input");
	return 0;
}

void standard_input_pass_on(const struct standard_input *input)
{
	off_t offset = input->caller < 0 ? -1 : lseek(STDIN_FILENO, 0, SEEK_CUR);

	if (offset >= 0)
		(void)lseek(input->caller, offset, SEEK_SET);
}
