#include "rootfs/root_path.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/openat2.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/memory.h"
#include "base/scope.h"
#include "base/test_switch.h"
#include "base/text.h"
#include "kernel/syscalls.h"

enum { LINKS_MAX = 40 }; /* as the kernel's own limit, path_resolution(7) */

int root_open(int root, const char *path, int flags, enum root_links links)
{
	uint64_t resolve = RESOLVE_IN_ROOT | RESOLVE_NO_MAGICLINKS | (links == ROOT_NO_LINKS ? RESOLVE_NO_SYMLINKS : 0);
	int fd;

	if (test_defence_removed("root-resolve")) {
		path += strspn(path, "/");
		resolve = 0;
	}
	fd = kernel_openat2(root, *path ? path : ".", (uint64_t)flags, 0, resolve);

	return fd < 0 ? -errno : fd;
}

/* Whether the failure comes from what is there; the others come from the machine. */
static bool is_about_layout(int code)
{
	switch (code) {
	case ELOOP:
	case ENOTDIR:
	case EISDIR:
	case EEXIST:
	case EINVAL:
	case ENAMETOOLONG:
	/* Behind a link that leads into /proc or /sys, where nothing can be made. */
	case ENOENT:
	case EACCES:
	case EPERM:
	case EROFS:
		return true;
	default:
		return false;
	}
}

/* Where the kernel alone decides what there is. */
static bool is_kernels(const char *path)
{
	return text_starts_with(path, "/proc/") || text_starts_with(path, "/sys/");
}

static int layout_error(const char *path, int code, struct sandbox_error *error)
{
	error_set(error, code, "prepare %s in the image's root", path);
	if (is_kernels(path) && (code == ENOENT || code == EACCES || code == EPERM || code == EROFS)) {
		error_cause(error, SANDBOX_E_ROOT_LAYOUT, "nothing can be made in /proc and /sys, which are the kernel's");
		(void)error_fix(error, "choose another place");
	} else if (code == ENAMETOOLONG) {
		error_cause(error, SANDBOX_E_ROOT_LAYOUT, "a name in it has more than 255 bytes, or all of it more than 4095");
		(void)error_fix(error, "choose a shorter one");
	} else if (is_about_layout(code)) {
		error_cause(error, SANDBOX_E_ROOT_LAYOUT, "the image has %s there",
			code == ELOOP ? "a symbolic link that must not be followed" : "something of another kind");
		(void)error_fix(error, "choose another place, or remove it from the image, so that a directory or file can be "
			"made");
	}
	return -code;
}

/* Where the link `name` in `directory`, itself named by `path`, leads: an absolute path below the root. */
static char *follow_link(int directory, const char *path, const char *name)
{
	char text[PATH_MAX];
	ssize_t length = readlinkat(directory, name, text, sizeof(text) - 1);

	if (length <= 0)
		return NULL;
	text[length] = '\0';
	if (*text == '/')
		return memory_text(text);
	return memory_format("%.*s/%s", (int)(name - path > 0 ? name - path - 1 : 0), path, text);
}

static int make_directory(int root, const char *path, mode_t mode, enum root_links links, int *links_left,
	struct sandbox_error *error);

/* Makes what the dangling link `name`, itself named by `path`, leads to. A descriptor or -errno. */
static int make_behind_link(int root, int directory, const char *path, const char *name, mode_t mode, int *links_left,
	struct sandbox_error *error)
{
	auto_free char *target = (*links_left)-- > 0 ? follow_link(directory, path, name) : NULL;

	return target ? make_directory(root, target, mode, ROOT_FOLLOW, links_left, error) : layout_error(path, ELOOP, error);
}

/* Opens or makes the directory `name` in `directory`, which is `path` from the root. */
static int make_component(int root, int directory, const char *path, const char *name, mode_t mode, enum root_links links,
	int *links_left, struct sandbox_error *error)
{
	int fd = root_open(root, path, O_PATH | O_DIRECTORY, links);

	if (fd == -ENOENT) {
		if (mkdirat(directory, name, mode) < 0 && errno != EEXIST)
			return layout_error(path, errno, error);
		fd = root_open(root, path, O_PATH | O_DIRECTORY, links);
		/* There, and yet not there: a dangling link. */
		if (fd == -ENOENT && links == ROOT_FOLLOW)
			return make_behind_link(root, directory, path, name, mode, links_left, error);
		fd = fd == -ENOENT ? -ELOOP : fd;
	}
	return fd < 0 ? layout_error(path, -fd, error) : fd;
}

static int make_directory(int root, const char *path, mode_t mode, enum root_links links, int *links_left,
	struct sandbox_error *error)
{
	auto_free char *prefix = memory_text(path);
	auto_close int directory = openat(root, ".", O_PATH | O_DIRECTORY | O_CLOEXEC);
	char *end = prefix;

	if (directory < 0)
		return error_set(error, errno, "open the new root");
	while (end && end[strspn(end, "/")]) {
		char *name = end + strspn(end, "/");
		int next;

		end = strchr(name, '/');
		if (end)
			*end = '\0';
		next = make_component(root, directory, prefix, name, mode, links, links_left, error);
		if (next < 0)
			return next;
		(void)close(directory);
		directory = next;
		if (end)
			*end = '/';
	}
	return take_fd(&directory);
}

int root_make_directory(int root, const char *path, mode_t mode, enum root_links links,
	struct sandbox_error *error)
{
	int links_left = LINKS_MAX;

	return make_directory(root, path, mode, links, &links_left, error);
}

/* One try: opens or makes the last component. -ELOOP and *out_link set when it is a dangling link. */
static int make_file_once(int root, const char *path, mode_t mode, char **out_link, struct sandbox_error *error)
{
	const char *name = strrchr(path, '/') + 1;
	auto_free char *parent = memory_text_n(path, (size_t)(name - path));
	auto_close int directory = root_make_directory(root, parent, 0755, ROOT_FOLLOW, error);
	int fd;

	if (directory < 0)
		return directory;
	/* On overlay, opening what open(2) makes would take twice as long. */
	if (mknodat(directory, name, S_IFREG | mode, 0) == 0) {
		fd = openat(directory, name, O_PATH | O_NOFOLLOW | O_CLOEXEC);
		return fd < 0 ? layout_error(path, errno, error) : fd;
	}
	if (errno != EEXIST)
		return layout_error(path, errno, error);
	*out_link = follow_link(directory, path, name);
	return *out_link ? -ELOOP : layout_error(path, EEXIST, error);
}

int root_make_file(int root, const char *path, mode_t mode, struct sandbox_error *error)
{
	auto_free char *current = memory_text(path);

	for (int link = 0; link < LINKS_MAX; link++) {
		char *next = NULL;
		struct stat status;
		int fd = root_open(root, current, O_PATH, ROOT_FOLLOW);

		if (fd >= 0 && fstat(fd, &status) == 0 && S_ISREG(status.st_mode))
			return fd;
		if (fd >= 0) {
			(void)close(fd);
			return layout_error(path, EEXIST, error);
		}
		if (fd != -ENOENT)
			return layout_error(path, -fd, error);
		fd = make_file_once(root, current, mode, &next, error);
		if (!next)
			return fd;
		free(current);
		current = next;
	}
	return layout_error(path, ELOOP, error);
}
