#include "base/tree.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <unistd.h>

#include "base/directory.h"
#include "base/scope.h"

struct removal {
	int top;
	unsigned long moved; /* names of directories moved to the top */
};

static DIR *open_directory(int directory, const char *name)
{
	return directory_read(openat(directory, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC));
}

/* 0 when it is gone, -ENOTEMPTY for a directory with content, or another negative errno. */
static int remove_entry(int directory, const char *name)
{
	int code;

	if (unlinkat(directory, name, 0) == 0 || errno == ENOENT)
		return 0;
	/* unlink(2) of a directory is EISDIR on Linux, EPERM elsewhere and on some file systems. */
	code = errno;
	if (code != EISDIR && code != EPERM)
		return -code;
	if (unlinkat(directory, name, AT_REMOVEDIR) == 0)
		return 0;
	/* Not a directory after all: then the first answer was about the file (one that is immutable). */
	if (errno == ENOTDIR)
		return -code;
	return errno == EEXIST ? -ENOTEMPTY : -errno;
}

/* Moves a directory that has content up to the top: so the tree becomes flat instead of our stack deep. */
static int move_to_top(struct removal *removal, int directory, const char *name)
{
	char unique[40];

	do
		(void)snprintf(unique, sizeof(unique), ".removed-%lu", removal->moved++);
	while (faccessat(removal->top, unique, F_OK, AT_SYMLINK_NOFOLLOW) == 0);
	return renameat(directory, name, removal->top, unique) < 0 ? -errno : 0;
}

static int empty_directory(struct removal *removal, const char *name)
{
	auto_closedir DIR *stream = open_directory(removal->top, name);
	const char *entry;

	if (!stream)
		return -errno;
	while ((entry = directory_next(stream))) {
		int result = remove_entry(dirfd(stream), entry);

		if (result == -ENOTEMPTY)
			result = move_to_top(removal, dirfd(stream), entry);
		if (result < 0)
			return result;
	}
	return errno ? -errno : 0;
}

/* One pass over the top. 1 when it found something to remove: another pass is due. */
static int sweep_top(struct removal *removal, DIR *stream)
{
	const char *entry;
	int found = 0;

	rewinddir(stream);
	while ((entry = directory_next(stream))) {
		int result = remove_entry(removal->top, entry);

		found = 1;
		if (result == -ENOTEMPTY)
			result = empty_directory(removal, entry);
		if (result < 0)
			return result;
	}
	return errno ? -errno : found;
}

int tree_remove(int directory, const char *name, struct sandbox_error *error)
{
	auto_closedir DIR *stream = NULL;
	struct removal removal = {.moved = 0};
	int result = remove_entry(directory, name);

	if (result == 0)
		return 0;
	if (result == -ENOTEMPTY) {
		stream = open_directory(directory, name);
		if (!stream)
			return error_set(error, errno, "remove %s", name);
		removal.top = dirfd(stream);
		do
			result = sweep_top(&removal, stream);
		while (result > 0);
	}
	if (result == 0 && unlinkat(directory, name, AT_REMOVEDIR) < 0)
		result = -errno;
	return result < 0 ? error_set(error, -result, "remove %s", name) : 0;
}
