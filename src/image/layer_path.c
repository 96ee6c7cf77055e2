#include "image/layer_path.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/openat2.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/xattr.h>

#include "base/memory.h"
#include "base/scope.h"
#include "image/protocol.h"
#include "kernel/syscalls.h"

int layer_path_step(int directory, const char *name)
{
	return kernel_openat2(directory, name, O_RDONLY | O_DIRECTORY | O_CLOEXEC, 0, RESOLVE_BENEATH | RESOLVE_NO_SYMLINKS);
}

bool layer_path_is_opaque(int directory)
{
	char value;

	return fgetxattr(directory, OVERLAY_OPAQUE_ATTRIBUTE, &value, sizeof(value)) == 1 && value == 'y';
}

int layer_path_open(int root, const char *path, bool *out_hides)
{
	auto_free char *parts = memory_text(path);
	auto_close int held = layer_path_step(root, ".");
	char *rest = *parts ? parts : NULL, *part;
	bool opaque = held >= 0 && !*path && layer_path_is_opaque(held);

	if (held < 0)
		return -errno;
	while ((part = strsep(&rest, "/"))) {
		int next = layer_path_step(held, part);

		if (next < 0 && errno == ENOENT)
			return opaque ? -ENOTDIR : -ENOENT;
		/* A deletion, or another kind of thing under that name. */
		if (next < 0)
			return errno == ELOOP ? -ENOTDIR : -errno;
		scope_close(&held);
		held = next;
		opaque = opaque || layer_path_is_opaque(held);
	}
	*out_hides = opaque;
	return take_fd(&held);
}

static void leave(struct layer_path *held)
{
	for (size_t i = 0; i < held->count; i++)
		scope_close(&held->directories[i]);
	held->count = 0;
	free(held->path);
	held->path = NULL;
}

int layer_path_enter(struct layer_path *held, const char *path)
{
	if (held->path && strcmp(held->path, path) == 0)
		return 0;
	leave(held);
	if (!held->directories)
		held->directories = memory_zeroed(held->root_count + 1, sizeof(*held->directories));
	for (size_t i = 0; i < held->root_count; i++) {
		bool hides = false;
		int directory = layer_path_open(held->roots[i], path, &hides);

		if (directory == -ENOTDIR)
			break;
		if (directory < 0 && directory != -ENOENT)
			return directory;
		if (directory < 0)
			continue;
		held->directories[held->count++] = directory;
		if (hides)
			break;
	}
	held->path = memory_text(path);
	return 0;
}

void layer_path_finish(struct layer_path *held)
{
	leave(held);
	free(held->directories);
	held->directories = NULL;
}
