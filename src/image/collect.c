/* Removing images, and whatever nothing needs any more. */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <unistd.h>

#include "base/file.h"
#include "base/scope.h"
#include "base/strings.h"
#include "base/test_switch.h"
#include "base/text.h"
#include "base/tree.h"
#include "image/identity.h"
#include "image/image.h"
#include "image/layer.h"
#include "image/reference.h"

static void strings_release(struct sandbox_strings *strings)
{
	sandbox_strings_finish(strings);
}

/* Whether the image stands on it, under whatever id map. */
static bool layer_is_of(const char *layer, const struct image_record *record)
{
	for (size_t i = 0; i < record->layer_count; i++)
		if (text_starts_with(layer, record->layers[i].tree.hex) && layer[DIGEST_HEX_SIZE - 1] == '-')
			return true;
	return false;
}

static bool layer_is_needed(const char *layer, const struct image_records *records, const struct digest *except)
{
	for (size_t i = 0; i < records->count; i++)
		if (strcmp(records->items[i].digest.hex, except->hex) != 0 && layer_is_of(layer, &records->items[i]))
			return true;
	return false;
}

/* Removes the layers of this image, under whatever id map, that no other image stands on. */
static int remove_layers(struct image_store *store, const struct image_record *record, const struct idmap *map,
	struct sandbox_error *error)
{
	auto_finish(image_records_finish) struct image_records records = {0};
	auto_finish(strings_release) struct sandbox_strings layers = {0}, unneeded = {0};
	int result = image_records_load(store->root, &records, error);

	if (result == 0)
		result = layer_list(store, &layers, error);
	for (size_t i = 0; i < layers.count && result == 0; i++)
		if (layer_is_of(layers.items[i], record) &&
		    !layer_is_needed(layers.items[i], &records, &record->digest))
			sandbox_strings_add(&unneeded, layers.items[i]);
	/* All or none: an image without some of its layers is none. */
	for (size_t i = 0; i < unneeded.count && result == 0; i++)
		result = layer_check_idle(store, unneeded.items[i], error);
	for (size_t i = 0; i < unneeded.count && result == 0; i++)
		result = layer_remove(store, unneeded.items[i], map, error);
	return result;
}

static int remove_record(struct image_store *store, const struct image_record *record, struct sandbox_error *error)
{
	char path[sizeof("images/.json") + DIGEST_HEX_SIZE];

	(void)snprintf(path, sizeof(path), "images/%s.json", record->digest.hex);
	if (unlinkat(store->root, path, 0) < 0 && errno != ENOENT)
		return error_set(error, errno, "remove %s", path);
	return 0;
}

/* What `sandbox images` shows of an image is enough to remove it: also the file that it came from. */
static int find_to_remove(struct image_store *store, const char *reference, struct image_record *out,
	struct sandbox_error *error)
{
	struct digest digest;
	int result = image_find(store, reference, out, error);

	if (result != -ENOENT || strncmp(reference, "sha256:", strlen("sha256:")) == 0)
		return result;
	result = reference_find_source(store, reference, &digest, error);
	return result < 0 ? result : image_record_load(store->root, digest.hex, out, error);
}

int image_remove(struct image_store *store, const char *reference, const struct idmap *map, bool *out_removed,
	struct sandbox_error *error)
{
	auto_finish(image_record_finish) struct image_record record = {0};
	auto_finish(strings_release) struct sandbox_strings names = {0};
	int result;

	if (store->root >= 0)
		(void)store_sweep(store, map, NULL);
	result = find_to_remove(store, reference, &record, error);
	if (result == 0)
		result = store_names_of(store, &record.digest, &names, error);
	if (result < 0)
		return result;
	*out_removed = !(names.count > 1 && strings_contain(&names, reference));
	if (!*out_removed)
		return store_name_remove(store, reference, error);
	/* The layers first: when one is in use, nothing has happened yet. */
	result = remove_layers(store, &record, map, error);
	test_point("image-layers-removed");
	for (size_t i = 0; i < names.count && result == 0; i++)
		result = store_name_remove(store, names.items[i], error);
	if (result == 0)
		result = identity_forget(store->root, &record.digest, error);
	test_point("image-forgotten");
	return result < 0 ? result : remove_record(store, &record, error);
}

/* ---- reset ---- */

/* Whether nobody has a lock on anything in the directory: a lease of a layer, or work in staging. */
static int check_idle(struct image_store *store, const char *name, struct sandbox_error *error)
{
	int directory = file_open_directory(store->root, name, error);
	auto_closedir DIR *stream = directory < 0 ? NULL : fdopendir(directory);
	struct dirent *item;

	if (directory < 0)
		return directory;
	while ((item = readdir(stream))) {
		auto_close int fd = item->d_name[0] == '.' ? -1 :
			openat(directory, item->d_name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);

		if (fd < 0 || flock(fd, LOCK_EX | LOCK_NB) == 0)
			continue;
		(void)error_set(error, EBUSY, "remove the image store %s", store->path);
		return error_cause(error, SANDBOX_E_IMAGE_IN_USE, "a sandbox runs from it, or an import is under way");
	}
	return 0;
}

static int remove_all_layers(struct image_store *store, const struct idmap *map, struct sandbox_error *error)
{
	auto_finish(strings_release) struct sandbox_strings layers = {0};
	int result = layer_list(store, &layers, error);

	for (size_t i = 0; i < layers.count && result == 0; i++)
		result = layer_remove(store, layers.items[i], map, error);
	return result;
}

int image_store_reset(struct image_store *store, const struct idmap *map, struct sandbox_error *error)
{
	/* Records first: without them no layer is found any more, whatever happens then. */
	static const char *const order[] = {"archives", "names", "images", "staging", "layers"};
	int result = check_idle(store, "layers", error);

	if (result == 0)
		result = check_idle(store, "staging", error);
	if (result == 0)
		result = remove_all_layers(store, map, error);
	test_point("reset-layers-removed");
	if (result == 0)
		result = store_sweep(store, map, error);
	for (size_t i = 0; i < array_count(order) && result == 0; i++)
		result = tree_remove(store->root, order[i], error);
	if (result < 0)
		return result;
	/* Other things of ours may be kept beside it. */
	if (rmdir(store->path) < 0 && errno != ENOTEMPTY && errno != EEXIST && errno != ENOENT)
		return error_set(error, errno, "remove %s", store->path);
	return 0;
}
