#include "image/layer.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/directory.h"
#include "base/file.h"
#include "base/log.h"
#include "base/scope.h"
#include "base/test_switch.h"
#include "image/layer_ids.h"
#include "image/manifest.h"
#include "image/record.h"

enum { PUBLISH_ATTEMPTS = 16 };

void layer_name(const struct digest *tree, const struct idmap *map, char out[LAYER_NAME_SIZE])
{
	char key[IDMAP_KEY_SIZE];

	idmap_key(map, key);
	(void)snprintf(out, LAYER_NAME_SIZE, "%s-%s", tree->hex, key);
}

static int lock_wrapper(int wrapper, int mode)
{
	int result;

	do
		result = flock(wrapper, mode);
	while (result < 0 && errno == EINTR);
	return result < 0 ? -errno : 0;
}

/* Whether the directory is still the layer `name`: it may have been removed before the lock was had. */
static bool is_current(struct image_store *store, const char *name, int wrapper)
{
	struct stat here, there;

	return fstat(wrapper, &here) == 0 && fstatat(store->layers, name, &there, AT_SYMLINK_NOFOLLOW) == 0 &&
		here.st_dev == there.st_dev && here.st_ino == there.st_ino;
}

/* Whether a layer that is not known to be on the disk can be trusted: 1, 0, or -errno. */
static int survived(int wrapper, struct sandbox_error *error)
{
	struct boot_identity written, now;
	int result = layer_record_load(wrapper, &written, error);

	if (result < 0)
		return result == -ENOENT ? 0 : result;
	boot_identity_read(&now);
	/* Another machine that shares this home may be in the middle of it: its power was not cut. */
	return strcmp(written.machine, now.machine) != 0 || strcmp(written.boot, now.boot) == 0;
}

int layer_lease(struct image_store *store, const char *name, bool wait, struct layer_lease *out,
	struct sandbox_error *error)
{
	auto_close int wrapper = openat(store->layers, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	bool durable;
	int result;

	if (wrapper < 0)
		return error_set(error, errno, "open the layer %s", name);
	result = lock_wrapper(wrapper, wait ? LOCK_SH : LOCK_SH | LOCK_NB);
	if (result < 0 && result != -EWOULDBLOCK)
		return error_set(error, -result, "lock the layer %s", name);
	if (result < 0 || !is_current(store, name, wrapper))
		return error_set(error, ENOENT, "lease the layer %s", name);
	durable = faccessat(wrapper, "durable", F_OK, 0) == 0;
	result = durable ? 1 : survived(wrapper, error);
	if (result < 0)
		return result;
	if (result == 0) {
		log_debug("the layer %s was not on the disk yet when the machine stopped: import it again", name);
		return error_set(error, ENOENT, "use the layer %s", name);
	}
	*out = (struct layer_lease){take_fd(&wrapper), durable, false};
	return 0;
}

static int publish_staged(struct image_store *store, const char *name, struct staging *staging,
	struct layer_lease *out, struct sandbox_error *error)
{
	auto_close int directory = staging_share(store, staging, error);

	if (directory < 0)
		return directory;
	test_point("layer-publish");
	/* rename(2) replaces no directory that has something in it, and a layer always has. */
	if (renameat(directory, staging->name, store->layers, name) < 0)
		return -errno;
	test_point("layer-published");
	*out = (struct layer_lease){take_fd(&staging->wrapper), false, true};
	staging_finish(staging);
	return 0;
}

int layer_publish(struct image_store *store, const struct digest *tree, const struct idmap *map,
	struct staging *staging, struct layer_lease *out, struct sandbox_error *error)
{
	struct boot_identity identity;
	char name[LAYER_NAME_SIZE];
	int result;

	layer_name(tree, map, name);
	boot_identity_read(&identity);
	result = layer_record_save(staging->wrapper, tree, &identity, error);
	if (result == 0)
		result = layer_ids_save(staging->wrapper, &(struct layer_ids){*map, staging->lost}, error);
	/* Who wrote the tree has ended. */
	staging_unlock(staging);
	for (int attempt = 0; result == 0 && attempt < PUBLISH_ATTEMPTS; attempt++) {
		result = publish_staged(store, name, staging, out, error);
		if (result != -ENOTEMPTY && result != -EEXIST)
			return result < 0 ? error_set(error, -result, "publish the layer %s", name) : 0;
		/* The same stream came in another archive, or another process was faster. */
		result = layer_lease(store, name, true, out, error);
		if (result == 0) {
			(void)staging_remove(store, staging, map, NULL);
			return 0;
		}
		if (result == -ENOENT)
			result = layer_remove(store, name, map, error);
	}
	return result;
}

/* All of a store lie on one file system. */
static int sync_store(const int *wrappers, size_t count, struct sandbox_error *error)
{
	if (count && !test_defence_removed("layer-sync") && syncfs(wrappers[0]) < 0)
		return error_set(error, errno, "bring the image to the disk");
	return 0;
}

/* Of those that are new. One of an older version does not know whose ids its files have. */
static int make_manifests(const int *wrappers, size_t count, struct sandbox_error *error)
{
	int result = 0;

	for (size_t i = 0; i < count && (result == 0 || result == -ENOENT); i++)
		if (faccessat(wrappers[i], "durable", F_OK, AT_SYMLINK_NOFOLLOW) < 0)
			result = manifest_make(wrappers[i], error);
	return result == -ENOENT ? 0 : result;
}

int layers_make_durable(const int *wrappers, size_t count, struct sandbox_error *error)
{
	int result = make_manifests(wrappers, count, error);

	if (result == 0)
		result = sync_store(wrappers, count, error);
	if (result < 0)
		return result;
	test_point("layer-synced");
	/* The marks are only made afterwards: losing one costs an import, having it too early costs the data. */
	for (size_t i = 0; i < count; i++) {
		auto_close int mark = openat(wrappers[i], "durable", O_WRONLY | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);

		if (mark < 0)
			return error_set(error, errno, "record that the image is on the disk");
	}
	/* And they are on the disk before anybody is told that the image is. */
	return sync_store(wrappers, count, error);
}

int layer_lock(struct image_store *store, const char *name, struct sandbox_error *error)
{
	auto_close int wrapper = openat(store->layers, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	int result;

	if (wrapper < 0)
		return error_set(error, errno, "open the layer %s", name);
	result = lock_wrapper(wrapper, LOCK_EX | LOCK_NB);
	if (result == -EWOULDBLOCK) {
		(void)error_set(error, EBUSY, "remove the layer %.12s", name);
		(void)error_cause(error, SANDBOX_E_IMAGE_IN_USE, "a sandbox runs from it, or another command works on it");
		(void)error_fix(error, "end that sandbox first");
		return -EBUSY;
	}
	if (result < 0)
		return error_set(error, -result, "lock the layer %s", name);
	return is_current(store, name, wrapper) ? take_fd(&wrapper) : error_set(error, ENOENT, "open the layer %s", name);
}

int layer_discard(struct image_store *store, const char *name, int *wrapper, const struct idmap *map,
	struct sandbox_error *error)
{
	auto_finish(staging_finish) struct staging staging = STAGING_INIT;
	int result = staging_take_layer(store, name, wrapper, &staging, error);

	return result < 0 ? result : staging_remove(store, &staging, map, error);
}

int layer_remove(struct image_store *store, const char *name, const struct idmap *map,
	struct sandbox_error *error)
{
	auto_close int wrapper = layer_lock(store, name, error);

	if (wrapper < 0)
		return wrapper == -ENOENT ? 0 : wrapper;
	return layer_discard(store, name, &wrapper, map, error);
}

int layer_list(struct image_store *store, struct sandbox_strings *out, struct sandbox_error *error)
{
	int directory = file_open_directory(store->layers, ".", error);
	auto_closedir DIR *stream = directory_read(directory);
	const char *name;

	if (!stream)
		return directory < 0 ? directory : error_set(error, errno, "list the layers of the store");
	while ((name = directory_next(stream)))
		if (*name != '.')
			sandbox_strings_add(out, name);
	return errno ? error_set(error, errno, "list the layers of the store") : 0;
}
