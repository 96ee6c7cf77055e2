#include "importer/target.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/openat2.h>
#include <stdlib.h>
#include <string.h>
#include <sys/xattr.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/memory.h"
#include "base/scope.h"
#include "base/test_switch.h"
#include "importer/whiteout.h"
#include "kernel/syscalls.h"

enum {
	WALK_PIECE_MAX = 4000,         /* openat2 takes no more than PATH_MAX bytes at once */
	PATH_BYTES_MAX = 128 << 20,    /* memory for the directories of an archive */
	DIRECTORY_MODE_IMPLIED = 0755, /* of a directory that the archive does not list */
};

int target_init(struct target *target, int root, uint64_t directory_limit, struct sandbox_error *error)
{
	static const char *const inherited[] = {"system.posix_acl_default", "system.posix_acl_access"};

	*target = (struct target){.root = root, .parent = -1, .directory_limit = directory_limit};
	/* A default ACL above would override the modes of everything created below. */
	for (size_t i = 0; i < array_count(inherited); i++)
		if (fremovexattr(root, inherited[i]) < 0 && errno != ENODATA && errno != ENOTSUP)
			return error_set(error, errno, "remove %s from the staging directory", inherited[i]);
	/* It is the caller's, who need not be root in here. */
	if (fchown(root, 0, 0) < 0)
		return error_set(error, errno, "take over the staging directory");
	/* A set-group-id bit would pass on a group. */
	if (fchmod(root, 0700) < 0)
		return error_set(error, errno, "change the mode of the staging directory");
	return 0;
}

void target_finish(struct target *target)
{
	for (size_t i = 0; i < target->directory_count; i++)
		free(target->directories[i].path);
	free(target->directories);
	if (target->parent >= 0)
		(void)close(target->parent);
	target->parent = -1;
}

static int open_step(int from, const char *path, uint64_t flags)
{
	static const uint64_t resolve = RESOLVE_BENEATH | RESOLVE_NO_SYMLINKS | RESOLVE_NO_MAGICLINKS;

	return kernel_openat2(from, path, flags | O_DIRECTORY, 0, test_defence_removed("archive-resolve") ? 0 : resolve);
}

static int refuse_parent(int code, const char *path, struct sandbox_error *error)
{
	switch (code) {
	case ELOOP:
		return entry_refuse(error, "directory", path, "a part of this path is a symbolic link");
	case ENOTDIR:
		return entry_refuse(error, "directory", path, "a part of this path is not a directory");
	case EXDEV:
		return entry_refuse(error, "directory", path, "this path leads out of the tree");
	default:
		return entry_failed(error, code, path, "open its directory");
	}
}

/* Opens `path`, which is not empty, below `from` in pieces that openat2 takes. A descriptor, or -1 and errno. */
static int walk(int from, const char *path, uint64_t flags)
{
	auto_close int held = -1;
	size_t length = strlen(path);

	while (length > WALK_PIECE_MAX) {
		char piece[WALK_PIECE_MAX + 1];
		const char *slash = memrchr(path, '/', WALK_PIECE_MAX);
		size_t size = slash ? (size_t)(slash - path) : 0;
		int next;

		if (!slash) {
			errno = ENAMETOOLONG;
			return -1;
		}
		memcpy(piece, path, size);
		piece[size] = '\0';
		next = open_step(held >= 0 ? held : from, piece, O_PATH);
		if (next < 0)
			return -1;
		scope_close(&held);
		held = next;
		path += size + 1;
		length -= size + 1;
	}
	return open_step(held >= 0 ? held : from, path, flags);
}

int target_open_directory(struct target *target, const char *path, struct sandbox_error *error)
{
	int fd = walk(target->root, *path ? path : ".", O_RDONLY);

	return fd < 0 ? refuse_parent(errno, path, error) : fd;
}

/*
 * Opens what the layer deleted earlier, and now has a directory of that name. -ENOTDIR, without an error, when it is something
 * else; a descriptor or -errno.
 */
static int replace_deletion(int parent, const char *name, const char *path, struct sandbox_error *error)
{
	struct stat status;
	int result;

	if (fstatat(parent, name, &status, AT_SYMLINK_NOFOLLOW) < 0 || !whiteout_is_made(&status))
		return -ENOTDIR;
	result = whiteout_replace(parent, name, path, error);
	if (result < 0)
		return result;
	result = open_step(parent, name, O_PATH);
	return result < 0 ? entry_failed(error, errno, path, "open its directory") : result;
}

/* As walk for O_PATH, one component after the other, making those that are missing. */
static int walk_making(struct target *target, const char *path, struct sandbox_error *error)
{
	auto_close int held = -1;
	auto_free char *prefix = memory_text(path);
	char *component = prefix;

	for (;;) {
		char *slash = strchr(component, '/');
		int from = held >= 0 ? held : target->root, next;
		bool made;

		if (slash)
			*slash = '\0';
		made = mkdirat(from, component, 0700) == 0;
		if (!made && errno != EEXIST)
			return entry_failed(error, errno, prefix, "make its directory");
		next = open_step(from, component, O_PATH);
		if (next < 0 && errno == ENOTDIR) {
			next = replace_deletion(from, component, prefix, error);
			made = true;
			if (next < 0)
				return next == -ENOTDIR ? refuse_parent(ENOTDIR, prefix, error) : next;
		}
		if (next < 0)
			return refuse_parent(errno, prefix, error);
		scope_close(&held);
		held = next;
		if (made) {
			/* Nothing says when it was made, so 1970: the same archive should give the same tree. */
			static const struct attributes implied = {.mode = DIRECTORY_MODE_IMPLIED};
			int result = target_remember(target, prefix, &implied, error);

			if (result < 0)
				return result;
			target->directories[target->directory_count - 1].implied = true;
		}
		if (!slash)
			return take_fd(&held);
		*slash = '/';
		component = slash + 1;
	}
}

/* Whether `path` lies below the directory that was used last; *out_rest is what remains to walk. */
static bool below_last_parent(const struct target *target, const char *path, size_t length, const char **out_rest)
{
	size_t known = target->parent_length;

	if (target->parent < 0 || length <= known || memcmp(path, target->parent_path, known) != 0)
		return false;
	if (known && path[known] != '/')
		return false;
	*out_rest = path + known + (known ? 1 : 0);
	return true;
}

static int open_parent(struct target *target, const char *path, struct sandbox_error *error)
{
	const char *rest;
	bool below = below_last_parent(target, path, strlen(path), &rest);
	int fd = below ? walk(target->parent, rest, O_PATH) : walk(target->root, *path ? path : ".", O_PATH);

	/* ENOTDIR: perhaps a deletion, which gives way to a directory. */
	if (fd < 0 && (errno == ENOENT || errno == ENOTDIR))
		return walk_making(target, path, error);
	return fd < 0 ? refuse_parent(errno, path, error) : fd;
}

int target_parent(struct target *target, const struct entry_path *path, struct sandbox_error *error)
{
	size_t length = path->name ? path->name - 1 : 0;
	char wanted[ENTRY_PATH_SIZE];
	int fd;

	if (target->parent >= 0 && length == target->parent_length &&
	    memcmp(target->parent_path, path->text, length) == 0)
		return target->parent;
	memcpy(wanted, path->text, length);
	wanted[length] = '\0';
	fd = open_parent(target, wanted, error);
	if (fd < 0)
		return fd;
	if (target->parent >= 0)
		(void)close(target->parent);
	target->parent = fd;
	target->parent_length = length;
	memcpy(target->parent_path, wanted, length + 1);
	return fd;
}

/* Whose a link or a FIFO was says nothing of another one that takes its name. */
static int forget_note(int parent, const struct entry_path *path, struct sandbox_error *error)
{
	auto_close int directory = openat(parent, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	int result = directory < 0 ? -errno : notes_drop(directory, path->text + path->name);

	return result < 0 ? entry_failed(error, -result, path->text, "forget whose it replaces") : 0;
}

int target_make_room(int parent, const struct entry_path *path, struct sandbox_error *error)
{
	const char *name = path->text + path->name;
	struct stat status;

	if (fstatat(parent, name, &status, AT_SYMLINK_NOFOLLOW) < 0)
		return entry_failed(error, errno, path->text, "look at what it replaces");
	if (S_ISDIR(status.st_mode))
		return entry_refuse(error, "entry", path->text, "it would replace a directory");
	if (unlinkat(parent, name, 0) < 0)
		return entry_failed(error, errno, path->text, "remove what it replaces");
	return S_ISREG(status.st_mode) ? 0 : forget_note(parent, path, error);
}

int target_make_directory(int parent, const struct entry_path *path, struct sandbox_error *error)
{
	const char *name = path->text + path->name;
	struct stat status;

	if (mkdirat(parent, name, 0700) == 0)
		return 0;
	if (errno != EEXIST)
		return entry_failed(error, errno, path->text, "make the directory");
	if (fstatat(parent, name, &status, AT_SYMLINK_NOFOLLOW) < 0)
		return entry_failed(error, errno, path->text, "look at what is there");
	if (whiteout_is_made(&status))
		return whiteout_replace(parent, name, path->text, error);
	if (!S_ISDIR(status.st_mode))
		return entry_refuse(error, "directory", path->text, "it would replace what is not a directory");
	return 0;
}

int target_remember(struct target *target, const char *path, const struct attributes *attributes,
	struct sandbox_error *error)
{
	target->path_bytes += strlen(path) + sizeof(struct directory_record);
	if (target->path_bytes > PATH_BYTES_MAX || target->directory_count > target->directory_limit) {
		(void)error_set(error, EFBIG, "extract the archive");
		return error_cause(error, SANDBOX_E_ARCHIVE_LIMIT, "it makes too many directories, or their names are too long");
	}
	if (target->directory_count == target->directory_room) {
		target->directory_room = target->directory_room ? 2 * target->directory_room : 256;
		target->directories = memory_resize(target->directories, target->directory_room,
			sizeof(*target->directories));
	}
	target->directories[target->directory_count++] = (struct directory_record){
		.path = memory_text(path), .attributes = *attributes};
	return 0;
}

/* By path; of one path those that an entry listed come first. */
static int compare_records(const void *left, const void *right)
{
	const struct directory_record *a = left, *b = right;
	int order = strcmp(a->path, b->path);

	return order ? order : a->implied - b->implied;
}

int target_write_implied(struct target *target, int fd, uint64_t *out_count, struct sandbox_error *error)
{
	const struct directory_record *records = target->directories;

	qsort(target->directories, target->directory_count, sizeof(*records), compare_records);
	for (size_t i = 0; i < target->directory_count; i++) {
		int result;

		if (!records[i].implied || (i && strcmp(records[i].path, records[i - 1].path) == 0))
			continue;
		result = fd_write_all(fd, records[i].path, strlen(records[i].path) + 1);
		if (result < 0)
			return error_set(error, -result, "note the directories that the layer does not list");
		(*out_count)++;
	}
	return 0;
}

int target_settle(struct target *target, bool single, struct import_counts *counts, struct sandbox_error *error)
{
	for (size_t i = 0; i < target->directory_count; i++) {
		const struct directory_record *record = &target->directories[i];
		auto_close int fd = target_open_directory(target, record->path, error);
		int result = fd < 0 ? fd : attributes_settle(fd, record->path, &record->attributes, single, counts, error);

		if (result < 0)
			return result;
	}
	return 0;
}
