#include "cgroup/hierarchy.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/xattr.h>
#include <unistd.h>

#include "base/file.h"
#include "base/memory.h"
#include "base/scope.h"
#include "base/text.h"
#include "cgroup/limits.h"

enum { PROC_FILE_MAX = 4 << 20, CONTROL_FILE_MAX = 64 << 10 };

/* mountinfo writes blanks and backslashes of a path as three octal digits. In place. */
static void unescape(char *path)
{
	char *out = path;

	while (*path) {
		if (*path == '\\' && strspn(path + 1, "01234567") >= 3) {
			*out++ = (char)((path[1] - '0') << 6 | (path[2] - '0') << 3 | (path[3] - '0'));
			path += 4;
		} else {
			*out++ = *path++;
		}
	}
	*out = '\0';
}

/* One line of mountinfo (proc(5)). True when it is a cgroup2 mount; both strings are then the caller's. */
static bool parse_mount(char *line, char **out_root, char **out_point)
{
	char *words[6] = {NULL}, *separator = strstr(line, " - cgroup2 ");

	if (!separator)
		return false;
	for (size_t i = 0; i < array_count(words) - 1; i++)
		words[i] = strsep(&line, " ");
	if (!words[4])
		return false;
	unescape(words[3]);
	unescape(words[4]);
	*out_root = memory_text(words[3]);
	*out_point = memory_text(words[4]);
	return true;
}

/* What lies below `prefix` of `path`, with a slash in front or empty; NULL when it lies elsewhere. */
static const char *below(const char *path, const char *prefix)
{
	size_t length = strcmp(prefix, "/") == 0 ? 0 : strlen(prefix);

	if (strncmp(path, prefix, length) != 0 || (path[length] && path[length] != '/'))
		return NULL;
	path += length;
	return strcmp(path, "/") == 0 ? "" : path;
}

static void parse_own(const char *path, const char *root, struct cgroup_hierarchy *out)
{
	const char *rest = below(path, root);

	/* "/../…": our group lies outside of our cgroup namespace, and nothing leads there. */
	if (rest && !text_starts_with(path, "/.."))
		out->own = memory_format("%s%s", out->mount, rest);
}

void cgroup_hierarchy_parse(const char *mountinfo, const char *cgroup, struct cgroup_hierarchy *out)
{
	auto_free char *mounts = memory_text(mountinfo), *groups = memory_text(cgroup), *root = NULL;
	char *rest = mounts, *line;

	*out = (struct cgroup_hierarchy){0};
	/* The first is the one that all programs use. */
	while (!out->mount && (line = strsep(&rest, "\n")))
		(void)parse_mount(line, &root, &out->mount);
	rest = groups;
	while ((line = strsep(&rest, "\n"))) {
		char *names = strchr(line, ':'), *path = names ? strchr(names + 1, ':') : NULL;

		if (!path)
			continue;
		*names++ = '\0';
		*path++ = '\0';
		if (strcmp(line, "0") != 0)
			out->legacy |= cgroup_controllers_parse(names);
		else if (out->mount)
			parse_own(path, root, out);
	}
}

int cgroup_hierarchy_find(struct cgroup_hierarchy *out, struct sandbox_error *error)
{
	auto_free char *mountinfo = NULL, *cgroup = NULL;
	int result = file_read(AT_FDCWD, "/proc/self/mountinfo", PROC_FILE_MAX, &mountinfo, NULL, error);

	if (result == 0)
		result = file_read(AT_FDCWD, "/proc/self/cgroup", PROC_FILE_MAX, &cgroup, NULL, error);
	if (result < 0)
		return result;
	cgroup_hierarchy_parse(mountinfo, cgroup, out);
	if (out->mount)
		out->controllers = cgroup_read_controllers(out->mount, "cgroup.controllers");
	return 0;
}

void cgroup_hierarchy_finish(struct cgroup_hierarchy *hierarchy)
{
	free(hierarchy->mount);
	free(hierarchy->own);
	*hierarchy = (struct cgroup_hierarchy){0};
}

unsigned int cgroup_read_controllers(const char *directory, const char *file)
{
	auto_free char *path = memory_format("%s/%s", directory, file), *text = NULL;

	return file_read(AT_FDCWD, path, CONTROL_FILE_MAX, &text, NULL, NULL) == 0 ? cgroup_controllers_parse(text) : 0;
}

bool cgroup_is_ours(const char *directory)
{
	static const char *const files[] = {"cgroup.procs", "cgroup.subtree_control"};

	for (size_t i = 0; i < array_count(files); i++) {
		auto_free char *path = memory_format("%s/%s", directory, files[i]);

		if (faccessat(AT_FDCWD, path, W_OK, AT_EACCESS) < 0)
			return false;
	}
	return faccessat(AT_FDCWD, directory, W_OK | X_OK, AT_EACCESS) == 0;
}

bool cgroup_is_marked_delegated(const char *directory)
{
	/* The trusted one is from before systemd 251, and can be read by root only. */
	static const char *const names[] = {"user.delegate", "trusted.delegate"};
	char value[4];

	for (size_t i = 0; i < array_count(names); i++)
		if (getxattr(directory, names[i], value, sizeof(value)) == 1 && value[0] == '1')
			return true;
	return false;
}

bool cgroup_is_user_manager(const char *directory)
{
	const char *name = strrchr(directory, '/');
	size_t length = strlen(directory);

	return name && text_starts_with(name, "/user@") && length > 8 && strcmp(directory + length - 8, ".service") == 0;
}

char *cgroup_find_ours(const struct cgroup_hierarchy *hierarchy, const char *directory, bool marked)
{
	auto_free char *path = memory_text(directory), *found = NULL;
	size_t top = strlen(hierarchy->mount);

	while (strlen(path) >= top && cgroup_is_ours(path)) {
		if (marked && cgroup_is_marked_delegated(path))
			return cgroup_is_user_manager(path) ? NULL : take_ptr(path);
		free(found);
		found = memory_text(path);
		*strrchr(path, '/') = '\0';
	}
	return marked ? NULL : take_ptr(found);
}
