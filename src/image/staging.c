/* The part of the store that is in the making or on its way out. store.h tells the rules. */
#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "base/directory.h"
#include "base/fd.h"
#include "base/file.h"
#include "base/log.h"
#include "base/scope.h"
#include "base/test_switch.h"
#include "base/tree.h"
#include "image/store.h"
#include "userns/userns.h"

/*
 * Between mkdir(2) and flock(2) a new directory looks like a dead process's. Both happen under a shared lock
 * of staging/ itself, and the sweep looks for the dead under an exclusive one.
 */
static int lock_staging(int root, int mode, struct sandbox_error *error)
{
	auto_close int fd = file_open_directory(root, "staging", error);

	if (fd < 0)
		return fd;
	while (flock(fd, mode) < 0)
		if (errno != EINTR)
			return error_set(error, errno, "lock the staging directory");
	return take_fd(&fd);
}

static void staging_name(struct staging *staging)
{
	struct timespec now;

	(void)clock_gettime(CLOCK_REALTIME, &now);
	(void)snprintf(staging->name, sizeof(staging->name), "%d-%llx%05lx", (int)getpid(),
		(unsigned long long)now.tv_sec, (unsigned long)now.tv_nsec >> 10);
}

/* What it takes to be worked in: a mode, and the locks that tell that somebody does. */
static int open_staging(int directory, struct staging *staging, struct sandbox_error *error)
{
	/* For the umask, and for a root of another id: see layers/ in store.c. */
	if (fchmodat(directory, staging->name, 0711, 0) < 0)
		return error_set(error, errno, "make the staging directory %s", staging->name);
	staging->wrapper = file_open_directory(directory, staging->name, error);
	if (staging->wrapper < 0)
		return staging->wrapper;
	staging->lock = openat(staging->wrapper, "lock", O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
	if (staging->lock < 0 || fchmod(staging->lock, 0600) < 0 || flock(staging->lock, LOCK_EX | LOCK_NB) < 0 ||
	    flock(staging->wrapper, LOCK_EX | LOCK_NB) < 0)
		return error_set(error, errno, "lock the staging directory %s", staging->name);
	return 0;
}

int staging_create(struct image_store *store, struct staging *out, struct sandbox_error *error)
{
	auto_finish(staging_finish) struct staging staging = STAGING_INIT;
	auto_close int directory = lock_staging(store->root, LOCK_SH, error);
	int result;

	if (directory < 0)
		return directory;
	do {
		staging_name(&staging);
		result = mkdirat(directory, staging.name, 0711);
	} while (result < 0 && errno == EEXIST);
	if (result < 0)
		return image_store_explain(errno, store->path, "make a directory in", error);
	test_point("staging-made");
	result = open_staging(directory, &staging, error);
	if (result < 0) {
		(void)tree_remove(directory, staging.name, NULL);
		return result;
	}
	*out = staging;
	staging = (struct staging)STAGING_INIT;
	return 0;
}

int staging_take_layer(struct image_store *store, const char *layer, int *wrapper, struct staging *out,
	struct sandbox_error *error)
{
	auto_close int directory = file_open_directory(store->root, "staging", error);
	struct staging staging = STAGING_INIT;

	if (directory < 0)
		return directory;
	staging_name(&staging);
	if (renameat(store->layers, layer, directory, staging.name) < 0)
		return error_set(error, errno, "remove the layer %s", layer);
	staging.wrapper = take_fd(wrapper);
	*out = staging;
	return 0;
}

int staging_share(struct image_store *store, const struct staging *staging, struct sandbox_error *error)
{
	auto_close int directory = lock_staging(store->root, LOCK_SH, error);

	if (directory < 0)
		return directory;
	while (flock(staging->wrapper, LOCK_SH) < 0)
		if (errno != EINTR)
			return error_set(error, errno, "lock a staging directory");
	return take_fd(&directory);
}

void staging_unlock(struct staging *staging)
{
	(void)unlinkat(staging->wrapper, "lock", 0);
	fd_close(&staging->lock);
}

void staging_finish(struct staging *staging)
{
	scope_close(&staging->lock);
	scope_close(&staging->wrapper);
	*staging = (struct staging)STAGING_INIT;
}

struct removal {
	int directory;
	const char *name;
};

static int remove_inside(void *argument, struct sandbox_error *error)
{
	const struct removal *removal = argument;

	test_point("staging-removing");
	return tree_remove(removal->directory, removal->name, error);
}

/* The tree inside belongs to the ids of the map; the wrapper and its records are ours. */
static int remove_tree(int wrapper, const struct idmap *map, struct sandbox_error *error)
{
	struct removal removal = {wrapper, "root"};
	int result;

	if (faccessat(wrapper, "root", F_OK, AT_SYMLINK_NOFOLLOW) < 0 && errno == ENOENT)
		return 0;
	if (geteuid() == 0)
		return tree_remove(wrapper, "root", error);
	result = userns_run(map, remove_inside, &removal, error);
	/* Where user namespaces do not work any more, what is ours can still go. */
	return result < 0 && tree_remove(wrapper, "root", NULL) < 0 ? result : 0;
}

int staging_remove(struct image_store *store, struct staging *staging, const struct idmap *map,
	struct sandbox_error *error)
{
	auto_close int directory = file_open_directory(store->root, "staging", error);
	int result;

	if (directory < 0)
		return directory;
	test_point("staging-remove");
	result = remove_tree(staging->wrapper, map, error);
	test_point("staging-tree-removed");
	if (result == 0)
		result = tree_remove(directory, staging->name, error);
	staging_finish(staging);
	return result;
}

static int write_failed(int code, const char *path, struct sandbox_error *error)
{
	(void)error_set(error, code, "write %s", path);
	(void)image_store_explain_full(error);
	return -code;
}

/* A power cut may leave the new name and no data: what had it before must not be lost to that. */
static int sync_first(int fd, int root, const char *path, bool first)
{
	if (!first && faccessat(root, path, F_OK, AT_SYMLINK_NOFOLLOW) < 0)
		return 0;
	return fdatasync(fd) < 0 ? -errno : 0;
}

int staging_replace_file(int root, const char *path, const void *data, size_t size, bool first,
	struct sandbox_error *error)
{
	auto_close int directory = lock_staging(root, LOCK_SH, error);
	auto_close int fd = -1;
	struct staging staging;
	int result;

	if (directory < 0)
		return directory;
	do {
		staging_name(&staging);
		fd = openat(directory, staging.name, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
	} while (fd < 0 && errno == EEXIST);
	if (fd < 0)
		return write_failed(errno, path, error);
	(void)flock(fd, LOCK_EX | LOCK_NB);
	(void)flock(directory, LOCK_UN);
	/* Whatever the umask is, it has to be read again. */
	result = fchmod(fd, 0600) < 0 ? -errno : fd_write_all(fd, data, size);
	if (result == 0)
		result = sync_first(fd, root, path, first);
	test_point("staging-file-written");
	if (result == 0 && renameat(directory, staging.name, root, path) < 0)
		result = -errno;
	if (result == 0)
		return 0;
	(void)unlinkat(directory, staging.name, 0);
	return write_failed(-result, path, error);
}

/* A locked file, unless its owner lives or has just renamed it. */
static void remove_dead_file(int directory, const char *name)
{
	auto_close int fd = openat(directory, name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
	struct stat status;

	/* One that its owner has just removed himself may have a successor, who lives, under the same name. */
	if (fd >= 0 && flock(fd, LOCK_EX | LOCK_NB) == 0 && fstat(fd, &status) == 0 && status.st_nlink)
		(void)unlinkat(directory, name, 0);
}

/* Whether nobody works on the directory any more: then it is locked. */
static bool lock_dead(int wrapper)
{
	auto_close int lock = openat(wrapper, "lock", O_RDWR | O_NOFOLLOW | O_CLOEXEC);

	if (lock >= 0 && flock(lock, LOCK_EX | LOCK_NB) < 0)
		return false;
	return flock(wrapper, LOCK_EX | LOCK_NB) == 0;
}

/* The next directory of staging/ whose owner is dead, locked; -ENOENT when there is none. Dead files go at once. */
static int find_dead(struct image_store *store, struct staging *out, size_t skip, struct sandbox_error *error)
{
	int directory = lock_staging(store->root, LOCK_EX, error);
	auto_closedir DIR *stream = directory_read(directory);
	const char *name;

	if (!stream)
		return directory < 0 ? directory : error_set(error, errno, "read the staging directory");
	while ((name = directory_next(stream))) {
		auto_close int wrapper = -1;

		if (*name == '.' || strlen(name) >= sizeof(out->name))
			continue;
		wrapper = openat(directory, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
		if (wrapper < 0 && errno == ENOTDIR)
			remove_dead_file(directory, name);
		if (wrapper < 0 || !lock_dead(wrapper) || skip-- > 0)
			continue;
		(void)snprintf(out->name, sizeof(out->name), "%s", name);
		out->wrapper = take_fd(&wrapper);
		return 0;
	}
	return errno ? error_set(error, errno, "read the staging directory") : -ENOENT;
}

int staging_count(struct image_store *store, size_t *out, struct sandbox_error *error)
{
	int directory = file_open_directory(store->root, "staging", error);
	auto_closedir DIR *stream = directory_read(directory);
	const char *name;

	*out = 0;
	if (!stream)
		return directory < 0 ? directory : error_set(error, errno, "read the staging directory");
	while ((name = directory_next(stream)))
		*out += *name != '.';
	return errno ? error_set(error, errno, "read the staging directory") : 0;
}

int store_sweep(struct image_store *store, const struct idmap *map, struct sandbox_error *error)
{
	size_t stubborn = 0, present;

	/* As nearly always: every command comes by here, and this costs it some microseconds. */
	if (staging_count(store, &present, NULL) == 0 && !present)
		return 0;
	for (;;) {
		auto_finish(staging_finish) struct staging dead = STAGING_INIT;
		struct sandbox_error problem = {0};
		int result = find_dead(store, &dead, stubborn, error);

		if (result < 0)
			return result == -ENOENT ? 0 : result;
		log_debug("remove staging/%s, which a dead process left", dead.name);
		if (staging_remove(store, &dead, map, &problem) < 0) {
			log_debug("%s", problem.text);
			stubborn++;
		}
	}
}
