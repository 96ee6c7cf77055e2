#include "image/folder.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/directory.h"
#include "base/log.h"
#include "base/memory.h"
#include "base/scope.h"
#include "base/test_switch.h"
#include "base/text.h"

#define SHELL_SAFE "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789/._+:@%,-"

static int refuse(const char *path, const char *cause, const char *fix, struct sandbox_error *error)
{
	(void)error_set(error, 0, "use the folder %.300s as a root file system", path);
	(void)error_cause(error, SANDBOX_E_FOLDER, "%s", cause);
	return error_fix(error, "%s", fix);
}

/* Not even the times of access of the folder change; another user's file may only be opened without that. */
static int open_unnoticed(int directory, const char *name, int flags)
{
	int fd = openat(directory, name, flags | O_RDONLY | O_DIRECTORY | O_NONBLOCK | O_CLOEXEC | O_NOATIME);

	return fd < 0 && errno == EPERM ? openat(directory, name, flags | O_RDONLY | O_DIRECTORY | O_NONBLOCK | O_CLOEXEC)
					: fd;
}

/* ---- where it lies ---- */

static bool is_same(const struct stat *left, const struct stat *right)
{
	return left->st_dev == right->st_dev && left->st_ino == right->st_ino;
}

/* Whether the directory `inner` is `outer` or lies somewhere below it. */
static bool lies_below(int inner, const struct stat *outer)
{
	auto_close int at = openat(inner, ".", O_PATH | O_DIRECTORY | O_CLOEXEC);
	struct stat here = {0}, above;

	if (at < 0 || fstat(at, &here) < 0)
		return false;
	for (;;) {
		int next;

		if (is_same(&here, outer))
			return true;
		next = openat(at, "..", O_PATH | O_DIRECTORY | O_CLOEXEC);
		if (next < 0)
			return false;
		(void)close(at);
		at = next;
		if (fstat(at, &above) < 0 || is_same(&above, &here))
			return false;
		here = above;
	}
}

static bool holds_home(const char *home, const struct stat *folder)
{
	auto_close int fd = home && *home == '/' ? open(home, O_PATH | O_DIRECTORY | O_CLOEXEC) : -1;

	return fd >= 0 && lies_below(fd, folder);
}

static int check_place(const struct image_store *store, const char *path, int folder, const char *home,
	struct sandbox_error *error)
{
	struct stat folder_status, store_status;

	if (fstat(folder, &folder_status) < 0 || (store->root >= 0 && fstat(store->root, &store_status) < 0))
		return error_set(error, errno, "look at the folder %.300s", path);
	if (store->root >= 0 && lies_below(folder, &store_status))
		return refuse(path, "it lies in the image store, which may remove it at any time",
			"name the image instead: `sandbox images`", error);
	if (store->root >= 0 && lies_below(store->root, &folder_status))
		return refuse(path, "it holds the image store: other images could be read inside",
			"name the folder that the root file system begins in", error);
	/* HOME may be anything: what is yours lies where the system says, too. */
	if (holds_home(getenv("HOME"), &folder_status) || holds_home(home, &folder_status))
		return refuse(path, "it holds your home directory: all that is yours could be read inside",
			"name the folder that the root file system begins in", error);
	return 0;
}

/* ---- what is mounted in it ---- */

/* proc_pid_mountinfo(5) writes blanks, tabs, line feeds and backslashes as \OOO. */
static void decode_octal(char *text)
{
	char *out = text;

	for (; *text; out++) {
		if (*text == '\\' && text[1] && text[2] && text[3]) {
			*out = (char)((text[1] - '0') << 6 | (text[2] - '0') << 3 | (text[3] - '0'));
			text += 4;
		} else {
			*out = *text++;
		}
	}
	*out = '\0';
}

static int check_mounts(const char *path, int folder, struct sandbox_error *error)
{
	auto_free char *link = memory_format("/proc/self/fd/%d", folder), *line = NULL, *prefix = NULL;
	auto_fclose FILE *mounts = fopen("/proc/self/mountinfo", "re");
	char real[PATH_MAX];
	ssize_t length = readlink(link, real, sizeof(real) - 1);
	size_t size = 0;

	/* Without /proc, overlay itself refuses. */
	if (!mounts || length <= 0)
		return 0;
	real[length] = '\0';
	prefix = memory_format("%s/", strcmp(real, "/") == 0 ? "" : real);
	while (getline(&line, &size, mounts) > 0) {
		char *rest = line, *point = NULL;

		for (int field = 0; field < 5 && rest; field++)
			point = strsep(&rest, " ");
		if (!rest)
			continue;
		decode_octal(point);
		if (!text_starts_with(point, prefix) || !point[strlen(prefix)])
			continue;
		(void)error_set(error, 0, "use the folder %.200s as a root file system", path);
		(void)error_cause(error, SANDBOX_E_FOLDER, "something is mounted in it, on %.200s", point);
		return error_fix(error, "unmount that first; a sandbox gets /proc, /sys and /dev of its own");
	}
	return 0;
}

/* ---- whose it is ---- */

struct owners {
	const char *path; /* of the folder, for messages */
	const struct idmap *map;
	unsigned int left; /* entries that may still be looked at */
};

static int refuse_owner(const struct owners *owners, const char *name, const struct stat *status,
	struct sandbox_error *error)
{
	bool user = !id_extents_find(&owners->map->users, status->st_uid, NULL);

	(void)error_set(error, 0, "use the folder %.200s as a root file system", owners->path);
	(void)error_cause(error, SANDBOX_E_ID_UNMAPPED, "%s%.100s belongs to %s %u, who has no place in the id map",
		*name ? "its " : "it", name, user ? "user" : "group", user ? status->st_uid : status->st_gid);
	/* A fix is to be pasted: nothing that a shell could take for its own, and the whole path or none. */
	return error_fix(error, "import it with its owners: sudo tar -C %s -c . | sandbox import --name NAME -",
		strlen(owners->path) < 200 && strspn(owners->path, SHELL_SAFE) == strlen(owners->path) ? owners->path : "DIR");
}

static int check_owner(struct owners *owners, const char *name, const struct stat *status, struct sandbox_error *error)
{
	if (test_defence_removed("folder-owners"))
		return 0;
	if (!id_extents_find(&owners->map->users, status->st_uid, NULL) ||
	    !id_extents_find(&owners->map->groups, status->st_gid, NULL))
		return refuse_owner(owners, name, status, error);
	return 0;
}

/* The entries of one directory, and of those below it as many levels as `depth` says. Takes `fd`. */
static int check_owners_in(struct owners *owners, int fd, int depth, struct sandbox_error *error)
{
	auto_closedir DIR *stream = directory_read(fd);
	const char *name;
	int result = 0;

	if (!stream)
		return error_set(error, errno, "read the folder %.300s", owners->path);
	while (result == 0 && owners->left && (name = directory_next(stream))) {
		struct stat status;
		int below;

		owners->left--;
		/* What goes away at this moment is nobody's. */
		if (fstatat(fd, name, &status, AT_SYMLINK_NOFOLLOW | AT_NO_AUTOMOUNT) < 0)
			continue;
		result = check_owner(owners, name, &status, error);
		if (result < 0 || !depth || !S_ISDIR(status.st_mode))
			continue;
		/* One that only its owner may read was looked at from outside. */
		below = open_unnoticed(fd, name, O_NOFOLLOW);
		if (below >= 0)
			result = check_owners_in(owners, below, depth - 1, error);
	}
	return result;
}

static int check_owners(const char *path, int folder, const struct idmap *map, struct sandbox_error *error)
{
	struct owners owners = {path, map, FOLDER_ENTRIES_LOOKED_AT};
	struct stat status;
	uint32_t inside = 0;
	int fd, result;

	if (fstat(folder, &status) < 0)
		return error_set(error, errno, "look at the folder %.300s", path);
	result = check_owner(&owners, "", &status, error);
	if (result < 0)
		return result;
	(void)id_extents_find(&map->users, status.st_uid, &inside);
	/* As mmdebstrap's unshare mode leaves it, which begins with the first subordinate id. */
	if (inside != 0 && !(map->keeps_id && inside == map->kept_uid))
		log_notice("the folder belongs to user %u inside, not to root; if all its owners are shifted like that, "
			"shift them back: --uidmap 0:%u:65535 --uidmap 65535:0:1", inside, inside);
	fd = open_unnoticed(folder, ".", 0);
	if (fd < 0)
		return error_set(error, errno, "read the folder %.300s", path);
	return check_owners_in(&owners, fd, 1, error);
}

static int explain_open(const char *path, int code, const struct idmap *map, struct sandbox_error *error)
{
	struct owners owners = {.path = path, .map = map};
	struct stat status;

	/* Whose it is says more than that it is closed. */
	if (code == EACCES && stat(path, &status) == 0 && check_owner(&owners, "", &status, error) < 0)
		return -EACCES;
	(void)error_set(error, code, "open the folder %.300s", path);
	(void)error_cause(error, SANDBOX_E_IMAGE_UNKNOWN, code == ENOENT ? "there is no such folder" : "you may not read it");
	return error_fix(error, "check the path and its modes");
}

int folder_open(const struct image_store *store, const char *path, const struct idmap *map, const char *home,
	struct sandbox_error *error)
{
	auto_close int folder = open_unnoticed(AT_FDCWD, path, 0);
	int result;

	if (folder < 0)
		return explain_open(path, errno, map, error);
	result = check_place(store, path, folder, home, error);
	if (result == 0)
		result = check_owners(path, folder, map, error);
	if (result == 0)
		result = check_mounts(path, folder, error);
	return result < 0 ? result : take_fd(&folder);
}
