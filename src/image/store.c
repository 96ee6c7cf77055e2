#include "image/store.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
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
	/* The last directory is made last: with it, the others are there. */
	result = store.layers < 0 || faccessat(store.root, "staging", F_OK, 0) < 0 ? store_create(&store, error) : 0;
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

bool image_name_is_valid(const char *name)
{
	static const char letters[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789";
	static const char all[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._:-";
	size_t length = strlen(name);

	if (length == 0 || length > IMAGE_NAME_MAX || !strchr(letters, name[0]) || strspn(name, all) != length)
		return false;
	if (strncmp(name, "sha256:", 7) == 0)
		return false;
	return length < 12 || strspn(name, "0123456789abcdef") != length;
}

static int name_read(int directory, const char *name, struct digest *out)
{
	auto_free char *text = NULL;
	size_t size;

	if (file_read(directory, name, 128, &text, &size, NULL) < 0 || size != DIGEST_HEX_SIZE ||
	    text[size - 1] != '\n')
		return -ENOENT;
	text[size - 1] = '\0';
	if (!digest_is_valid(text))
		return -ENOENT;
	memcpy(out->hex, text, sizeof(out->hex));
	return 0;
}

static void name_path(const char *name, char out[IMAGE_NAME_MAX + 16])
{
	(void)snprintf(out, IMAGE_NAME_MAX + 16, "names/%s", name);
}

int store_name_find(struct image_store *store, const char *name, struct digest *out)
{
	char path[IMAGE_NAME_MAX + 16];

	if (!image_name_is_valid(name))
		return -ENOENT;
	name_path(name, path);
	return name_read(store->root, path, out);
}

int store_name_set(struct image_store *store, const char *name, const struct digest *digest,
	struct sandbox_error *error)
{
	char path[IMAGE_NAME_MAX + 16], text[DIGEST_HEX_SIZE + 1];

	if (!image_name_is_valid(name)) {
		(void)error_set(error, 0, "\"%.128s\" cannot be the name of an image", name);
		error_cause(error, SANDBOX_E_USAGE, "names are of letters, digits and ._:- and are no digest");
		return error_fix(error, "choose another name, such as debian:12");
	}
	name_path(name, path);
	(void)snprintf(text, sizeof(text), "%s\n", digest->hex);
	return staging_replace_file(store->root, path, text, strlen(text), error);
}

int store_name_remove(struct image_store *store, const char *name, struct sandbox_error *error)
{
	char path[IMAGE_NAME_MAX + 16];

	name_path(name, path);
	if (unlinkat(store->root, path, 0) < 0 && errno != ENOENT)
		return error_set(error, errno, "remove the name %s", name);
	return 0;
}

static int compare_texts(const void *left, const void *right)
{
	return strcmp(*(char *const *)left, *(char *const *)right);
}

int store_names_of(struct image_store *store, const struct digest *digest, struct sandbox_strings *out,
	struct sandbox_error *error)
{
	int directory = file_open_directory(store->root, "names", error);
	auto_closedir DIR *stream = directory < 0 ? NULL : fdopendir(directory);
	size_t before = out->count;
	struct dirent *item;

	if (directory < 0)
		return directory;
	while ((item = readdir(stream))) {
		struct digest found;

		if (image_name_is_valid(item->d_name) && name_read(directory, item->d_name, &found) == 0 &&
		    strcmp(found.hex, digest->hex) == 0)
			sandbox_strings_add(out, item->d_name);
	}
	if (out->count - before > 1)
		qsort(out->items + before, out->count - before, sizeof(*out->items), compare_texts);
	return 0;
}
