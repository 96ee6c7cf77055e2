#include "image/inherit.h"

#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/xattr.h>
#include <unistd.h>

#include "base/file.h"
#include "base/memory.h"
#include "base/scope.h"
#include "base/test_switch.h"
#include "base/text.h"
#include "image/layer_path.h"
#include "image/notes.h"
#include "kernel/syscalls.h"
#include "userns/userns.h"

enum {
	PATHS_SIZE_MAX = 16 << 20,
	ATTRIBUTES_SIZE_MAX = 64 << 10, /* xattr(7): no list or value is larger */
};

struct inheritance {
	int wrapper;
	const char *paths;
	size_t paths_size;
	const int *lower;
	size_t lower_count;
};

/* As layer_path_open, of one layer. */
static int find_in_layer(int wrapper, const char *path)
{
	auto_close int root = layer_path_step(wrapper, "root");
	bool hides;

	return root < 0 ? -errno : layer_path_open(root, path, &hides);
}

static int copy_attributes(int from, int to, const char *path, struct sandbox_error *error)
{
	auto_free char *names = memory_zeroed(2, ATTRIBUTES_SIZE_MAX);
	char *value = names + ATTRIBUTES_SIZE_MAX;
	ssize_t size = flistxattr(from, names, ATTRIBUTES_SIZE_MAX);

	for (const char *name = names; size > 0 && name < names + size; name += strlen(name) + 1) {
		ssize_t length;

		/* Notes are of what lies in that layer. */
		if (!text_starts_with(name, "user.") || text_starts_with(name, "user.overlay.") ||
		    strcmp(name, NOTES_ATTRIBUTE) == 0)
			continue;
		length = fgetxattr(from, name, value, ATTRIBUTES_SIZE_MAX);
		if (length < 0 || fsetxattr(to, name, value, (size_t)length, 0) < 0)
			return error_set(error, errno, "copy the attribute %s of %.200s", name, path);
	}
	return 0;
}

static int copy_directory(int from, int to, const char *path, struct sandbox_error *error)
{
	struct timespec times[2];
	struct stat status;
	int result;

	if (fstat(from, &status) < 0)
		return error_set(error, errno, "look at %.200s in a lower layer", path);
	result = copy_attributes(from, to, path, error);
	if (result < 0)
		return result;
	times[0] = times[1] = status.st_mtim;
	if (fchown(to, status.st_uid, status.st_gid) < 0 || fchmod(to, status.st_mode & 07777) < 0 || futimens(to, times) < 0)
		return error_set(error, errno, "give %.200s the attributes that it has in a lower layer", path);
	return 0;
}

/* Opens the directory `path`; *out_opaque says whether it, or one on the way to it, hides what is below. Or -1. */
static int open_own(int root, const char *path, bool *out_opaque)
{
	auto_free char *parts = memory_text(path);
	auto_close int held = layer_path_step(root, ".");
	char *rest = parts, *part;

	*out_opaque = false;
	while (held >= 0 && (part = strsep(&rest, "/"))) {
		int next = layer_path_step(held, part);

		scope_close(&held);
		held = next;
		*out_opaque = *out_opaque || (next >= 0 && layer_path_is_opaque(next));
	}
	return take_fd(&held);
}

static int inherit_one(const struct inheritance *inheritance, int root, const char *path, struct sandbox_error *error)
{
	bool opaque;
	auto_close int to = open_own(root, path, &opaque);

	if (to < 0)
		return error_set(error, errno, "open %.200s of a layer", path);
	/* It, or what it is in, takes the place of something that was deleted. */
	if (opaque)
		return 0;
	for (size_t i = 0; i < inheritance->lower_count; i++) {
		auto_close int from = find_in_layer(inheritance->lower[i], path);

		if (from >= 0)
			return copy_directory(from, to, path, error);
		if (from == -ENOTDIR)
			return 0;
		if (from != -ENOENT)
			return error_set(error, -from, "open %.200s of a lower layer", path);
	}
	return 0;
}

static int inherit_all(void *argument, struct sandbox_error *error)
{
	const struct inheritance *inheritance = argument;
	auto_close int root = layer_path_step(inheritance->wrapper, "root");
	const char *end = inheritance->paths + inheritance->paths_size;
	int result = root < 0 ? error_set(error, errno, "open the tree of a layer") : 0;

	for (const char *path = inheritance->paths; path < end && result == 0; path += strlen(path) + 1)
		result = inherit_one(inheritance, root, path, error);
	return result;
}

static int explain_size(struct sandbox_error *error)
{
	(void)error_set(error, EFBIG, "read the list of directories that a layer does not list");
	return error_cause(error, SANDBOX_E_ARCHIVE_LIMIT, "their paths are more than %d bytes", PATHS_SIZE_MAX);
}

int inherit_directories(int wrapper, int paths, const int *lower, size_t lower_count, const struct idmap *map,
	const struct interrupt *interrupt, struct sandbox_error *error)
{
	auto_finish(userns_child_finish) struct userns_child child = USERNS_CHILD_INIT;
	struct inheritance inheritance = {.wrapper = wrapper, .lower = lower, .lower_count = lower_count};
	auto_free char *text = NULL;
	int result = lseek(paths, 0, SEEK_SET) < 0 ? error_set(error, errno, "read the list of directories") :
		file_read_fd(paths, "the list of directories", PATHS_SIZE_MAX, &text, &inheritance.paths_size, error);

	if (result < 0)
		return result == -EFBIG ? explain_size(error) : result;
	inheritance.paths = text;
	result = userns_start(map, inherit_all, &inheritance, &child, error);
	test_point("inherit-started");
	if (result == 0)
		result = interrupt_wait(interrupt, child.pidfd, error);
	return result < 0 ? result : userns_wait(&child, error);
}
