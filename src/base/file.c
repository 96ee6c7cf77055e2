#include "base/file.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdbool.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/memory.h"
#include "base/scope.h"

int file_read_fd(int fd, const char *name, size_t limit, char **out_data, size_t *out_size,
	struct sandbox_error *error)
{
	auto_free char *data = NULL;
	size_t size = 0, room = 0;

	/* Files in /proc and /sys have no size to trust: read until the end. */
	for (;;) {
		ssize_t got;

		if (size == room) {
			room = room ? room * 2 : 4096;
			data = memory_resize(data, room + 1, 1);
		}
		got = fd_read_full(fd, data + size, room - size);
		if (got < 0)
			return error_set(error, (int)-got, "read %s", name);
		size += (size_t)got;
		if (size > limit)
			return error_set(error, EFBIG, "read %s", name);
		/* Less than asked for: fd_read_full has met the end. */
		if (size < room)
			break;
	}
	data[size] = '\0';
	*out_data = take_ptr(data);
	if (out_size)
		*out_size = size;
	return 0;
}

int file_read(int directory, const char *path, size_t limit, char **out_data, size_t *out_size,
	struct sandbox_error *error)
{
	/* O_NONBLOCK: a FIFO in the place of the file must not stop us. */
	auto_close int fd = openat(directory, path, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);
	struct stat status;

	if (fd < 0)
		return error_set(error, errno, "open %s", path);
	if (fstat(fd, &status) < 0)
		return error_set(error, errno, "stat %s", path);
	if (!S_ISREG(status.st_mode))
		return error_set(error, 0, "read %s: not a regular file", path);
	return file_read_fd(fd, path, limit, out_data, out_size, error);
}

int file_write_existing(int directory, const char *path, const char *text, struct sandbox_error *error)
{
	auto_close int fd = openat(directory, path, O_WRONLY | O_CLOEXEC | O_NOCTTY);

	if (fd < 0)
		return error_set(error, errno, "open %s", path);
	if (write(fd, text, strlen(text)) < 0)
		return error_set(error, errno, "write \"%s\" to %s", text, path);
	return 0;
}

static int replace(int directory, const char *name, const void *data, size_t size, mode_t mode, bool durable,
	struct sandbox_error *error)
{
	auto_free char *staging = memory_format("%s.new.%d", name, (int)getpid());
	auto_close int fd = openat(directory, staging, O_WRONLY | O_CREAT | O_TRUNC | O_NOFOLLOW | O_CLOEXEC, mode);
	int result;

	if (fd < 0)
		return error_set(error, errno, "create %s", staging);
	result = fd_write_all(fd, data, size);
	if (result == 0 && durable && fsync(fd) < 0)
		result = -errno;
	if (result == 0 && renameat(directory, staging, directory, name) < 0)
		result = -errno;
	if (result < 0) {
		(void)unlinkat(directory, staging, 0);
		return error_set(error, -result, "write %s", name);
	}
	return 0;
}

int file_replace(int directory, const char *name, const void *data, size_t size, mode_t mode,
	struct sandbox_error *error)
{
	return replace(directory, name, data, size, mode, false, error);
}

int file_replace_durably(int directory, const char *name, const void *data, size_t size, mode_t mode,
	struct sandbox_error *error)
{
	return replace(directory, name, data, size, mode, true, error);
}

/* 0 or errno. A read-only file system says so of a directory that exists, too. */
static int make_directory(const char *path, mode_t mode)
{
	int code = mkdir(path, mode) < 0 ? errno : 0;

	return code == EEXIST || (code == EROFS && access(path, F_OK) == 0) ? 0 : code;
}

int file_make_directories(const char *path, mode_t mode, struct sandbox_error *error)
{
	auto_free char *prefix = memory_text(path);
	char *slash = prefix;
	int code;

	do {
		slash = strchr(slash + 1, '/');
		if (slash)
			*slash = '\0';
		code = make_directory(prefix, mode);
		if (code)
			return error_set(error, code, "make directory %s", prefix);
		if (slash)
			*slash = '/';
	} while (slash && slash[1]);
	return 0;
}

int file_open_directory(int directory, const char *path, struct sandbox_error *error)
{
	int fd = openat(directory, path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	return fd < 0 ? error_set(error, errno, "open directory %s", path) : fd;
}

int file_open_own_directory(int directory, const char *path, const char *option, struct sandbox_error *error)
{
	auto_close int own = openat(directory, path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	struct stat status;

	if (own < 0 || fstat(own, &status) < 0)
		return error_set(error, errno, "open %s", path);
	if (status.st_uid == geteuid() && !(status.st_mode & 022))
		return take_fd(&own);
	error_set(error, EPERM, "use %s", path);
	error_cause(error, SANDBOX_E_HOME_UNUSABLE, "it belongs to somebody else, or others can write there");
	return error_fix(error, "remove it, or name another directory with %s DIR", option);
}
