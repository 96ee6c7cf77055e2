#include "image/store.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/file.h>
#include <unistd.h>

#include "base/file.h"
#include "base/memory.h"
#include "base/progress.h"
#include "base/scope.h"

static const struct {
	const char *name;
	mode_t mode;
} store_directories[] = {
	/*
	 * A root of another host id (when the caller is the host's root) starts from a descriptor of layers/ and
	 * has to get through it. Nobody else can: the store itself is 0700.
	 */
	{"layers", 0711},
	{"images", 0700},
	{"names", 0700},
	{"archives", 0700},
	{"staging", 0700},
};

/* Modes are set afterwards: whatever the umask is, these directories have to be usable. */
static int make_directories(struct image_store *store, struct sandbox_error *error)
{
	for (size_t i = 0; i < array_count(store_directories); i++) {
		const char *name = store_directories[i].name;

		if (mkdirat(store->root, name, store_directories[i].mode) < 0) {
			if (errno == EEXIST)
				continue;
			return image_store_explain(errno, store->path, "make a directory in", error);
		}
		if (fchmodat(store->root, name, store_directories[i].mode, 0) < 0)
			return image_store_explain(errno, store->path, "set modes in", error);
	}
	return 0;
}

/* Whoever made them, or removed them all, may have been killed meanwhile. */
static bool has_directories(const struct image_store *store)
{
	for (size_t i = 0; i < array_count(store_directories); i++)
		if (faccessat(store->root, store_directories[i].name, F_OK, 0) < 0)
			return false;
	return true;
}

static int store_create(struct image_store *store, struct sandbox_error *error)
{
	int result;

	if (store->root < 0) {
		result = file_make_directories(store->path, 0700, error);
		if (result < 0)
			return image_store_explain(-result, store->path, "make", error);
		if (chmod(store->path, 0700) < 0)
			return image_store_explain(errno, store->path, "set the mode of", error);
		store->root = open(store->path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
		if (store->root < 0)
			return image_store_explain(errno, store->path, "open", error);
	}
	result = make_directories(store, error);
	if (result < 0)
		return result;
	if (store->layers < 0)
		store->layers = openat(store->root, "layers", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	return store->layers < 0 ? image_store_explain(errno, store->path, "open", error) : 0;
}

int image_store_open(const char *path, struct image_store *out, struct sandbox_error *error)
{
	auto_finish(image_store_finish) struct image_store store = IMAGE_STORE_INIT;
	struct stat status;
	int result;

	store.path = memory_text(path);
	store.root = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (store.root < 0 && errno != ENOENT)
		return image_store_explain(errno, path, "open", error);
	if (store.root >= 0)
		store.layers = openat(store.root, "layers", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	result = store.layers < 0 || !has_directories(&store) ? store_create(&store, error) : 0;
	if (result < 0)
		return result;
	if (fstat(store.root, &status) < 0)
		return image_store_explain(errno, path, "look at", error);
	/* What another user can write to, he can put set-user-ID programs into. */
	if (status.st_uid != geteuid() || (status.st_mode & 077)) {
		(void)error_set(error, 0, "the image store %s is open to other users", path);
		(void)error_cause(error, SANDBOX_E_HOME_UNUSABLE, "it must belong to you and have mode 0700");
		return error_fix(error, "chmod 0700 %s, or choose another directory with --root DIR", path);
	}
	*out = store;
	store = (struct image_store)IMAGE_STORE_INIT;
	return 0;
}

int image_store_open_present(const char *path, struct image_store *out, struct sandbox_error *error)
{
	if (access(path, F_OK) == 0 || errno != ENOENT)
		return image_store_open(path, out, error);
	*out = (struct image_store)IMAGE_STORE_INIT;
	out->path = memory_text(path);
	return 0;
}

void image_store_finish(struct image_store *store)
{
	scope_close(&store->root);
	scope_close(&store->layers);
	free(store->path);
	*store = (struct image_store)IMAGE_STORE_INIT;
}

static int lock_telling(int lock, const struct sandbox_progress *progress)
{
	int result = flock(lock, LOCK_EX | LOCK_NB);

	if (result == 0 || errno != EWOULDBLOCK)
		return result;
	progress_wait(progress, "another process, which unpacks the same image");
	do
		result = flock(lock, LOCK_EX);
	while (result < 0 && errno == EINTR);
	progress_done(progress);
	return result;
}

int store_lock_archive(struct image_store *store, const struct stat *status, const struct sandbox_progress *progress,
	struct sandbox_error *error)
{
	char name[80];

	(void)snprintf(name, sizeof(name), "staging/%llx-%llx.lock", (unsigned long long)status->st_dev,
		(unsigned long long)status->st_ino);
	for (;;) {
		auto_close int lock = openat(store->root, name, O_RDWR | O_CREAT | O_NOFOLLOW | O_CLOEXEC, 0600);
		struct stat opened;

		if (lock < 0)
			return image_store_explain(errno, store->path, "write to", error);
		if (lock_telling(lock, progress) < 0)
			return error_set(error, errno, "lock %s", name);
		if (fstat(lock, &opened) < 0)
			return error_set(error, errno, "look at %s", name);
		/* The one before us removed it, and somebody else may hold a new one by now. */
		if (opened.st_nlink)
			return take_fd(&lock);
	}
}

void store_unlock_archive(struct image_store *store, const struct stat *status, int *lock)
{
	char name[80];

	if (*lock < 0)
		return;
	(void)snprintf(name, sizeof(name), "staging/%llx-%llx.lock", (unsigned long long)status->st_dev,
		(unsigned long long)status->st_ino);
	(void)unlinkat(store->root, name, 0);
	scope_close(lock);
	*lock = -1;
}
