/* Removing images. What is not needed any more is found in gc.c. */
#include "image/collect.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <unistd.h>

#include "base/directory.h"
#include "base/fd.h"
#include "base/file.h"
#include "base/memory.h"
#include "base/scope.h"
#include "base/strings.h"
#include "base/test_switch.h"
#include "base/text.h"
#include "base/tree.h"
#include "image/identity.h"
#include "image/image.h"
#include "image/layer.h"
#include "image/reference.h"
#include "image/manifest.h"

enum { REMOVE_ATTEMPTS = 16 };

static void strings_release(struct sandbox_strings *strings)
{
	sandbox_strings_finish(strings);
}

/* ---- what is needed ---- */

void image_demand_finish(struct image_demand *demand)
{
	image_records_finish(&demand->records);
	sandbox_strings_finish(&demand->kept);
}

static void take_out(struct image_records *records, const struct sandbox_strings *digests)
{
	size_t kept = 0;

	for (size_t i = 0; i < records->count; i++)
		if (strings_contain(digests, records->items[i].digest.hex))
			image_record_finish(&records->items[i]);
		else
			records->items[kept++] = records->items[i];
	records->count = kept;
}

int image_demand_load(const struct image_collection *collection, struct image_demand *out, struct sandbox_error *error)
{
	auto_finish(image_demand_finish) struct image_demand demand = {.records = {.items = NULL}};
	int result = image_records_load(collection->store->root, &demand.records, error);

	if (result == 0)
		result = image_records_check(&demand.records, error);
	if (result == 0 && collection->list_needs)
		result = collection->list_needs(collection->context, &demand.kept, error);
	if (result < 0)
		return result;
	if (collection->pretended)
		take_out(&demand.records, collection->pretended);
	*out = demand;
	demand = (struct image_demand){.records = {.items = NULL}};
	return 0;
}

bool image_demand_has_layer(const struct image_demand *demand, const char *layer, const struct digest *except)
{
	for (size_t i = 0; i < demand->records.count; i++) {
		const struct image_record *record = &demand->records.items[i];

		if ((!except || strcmp(record->digest.hex, except->hex) != 0) && image_record_has_layer(record, layer))
			return true;
	}
	return strings_contain(&demand->kept, layer);
}

/* ---- an image ---- */

/* Layers that are locked, so that nobody can begin to use them. */
struct locked_layers {
	struct locked_layer {
		char name[LAYER_NAME_SIZE];
		int wrapper;
	} *items;
	size_t count;
};

static void locked_layers_finish(struct locked_layers *layers)
{
	for (size_t i = 0; i < layers->count; i++)
		scope_close(&layers->items[i].wrapper);
	free(layers->items);
}

static int refuse_kept(const struct image_record *record, struct sandbox_error *error)
{
	(void)error_set(error, EBUSY, "remove the image sha256:%.12s", record->digest.hex);
	(void)error_cause(error, SANDBOX_E_IMAGE_IN_USE, "a sandbox that has ended and can be started again stands on it");
	(void)error_fix(error, "sandbox ps -a lists it, and sandbox rm removes it");
	return -EBUSY;
}

/* Layers further down are also those of other images, above all where a sandbox was made an image. */
static bool is_kept(const struct image_demand *demand, const struct image_record *record)
{
	const char *uppermost = record->layers[record->layer_count - 1].tree.hex;

	for (size_t i = 0; i < demand->kept.count; i++)
		if (text_starts_with(demand->kept.items[i], uppermost))
			return true;
	return false;
}

/* Locks the layers, under whatever id map, that only this image needs. All or none: one in use is -EBUSY. */
static int lock_own_layers(const struct image_collection *collection, const struct image_record *record,
	struct locked_layers *out, struct sandbox_error *error)
{
	auto_finish(image_demand_finish) struct image_demand demand = {.records = {.items = NULL}};
	auto_finish(strings_release) struct sandbox_strings layers = {0};
	int result = image_demand_load(collection, &demand, error);

	test_point("demand-loaded");
	if (result == 0)
		result = layer_list(collection->store, &layers, error);
	for (size_t i = 0; i < layers.count && result == 0; i++) {
		struct locked_layer layer = {.name = "", .wrapper = -1};

		if (!image_record_has_layer(record, layers.items[i]) ||
		    image_demand_has_layer(&demand, layers.items[i], &record->digest))
			continue;
		layer.wrapper = layer_lock(collection->store, layers.items[i], error);
		if (layer.wrapper == -ENOENT)
			continue;
		result = layer.wrapper < 0 ? layer.wrapper : 0;
		(void)snprintf(layer.name, sizeof(layer.name), "%s", layers.items[i]);
		if (result == 0) {
			out->items = memory_resize(out->items, out->count + 1, sizeof(*out->items));
			out->items[out->count++] = layer;
		}
	}
	return result;
}

/*
 * Who came to need one of them until it was locked has written that down by now, because he had a lease until he had;
 * and nobody can come any more. Lets go what is needed after all.
 */
static int check_again(const struct image_collection *collection, const struct image_record *record,
	enum image_discard how, struct locked_layers *layers, struct sandbox_error *error)
{
	auto_finish(image_demand_finish) struct image_demand demand = {.records = {.items = NULL}};
	int result = image_demand_load(collection, &demand, error);

	if (result < 0 || test_defence_removed("need-again"))
		return result;
	if (how != IMAGE_DISCARD_KEPT && is_kept(&demand, record))
		return refuse_kept(record, error);
	for (size_t i = 0; i < layers->count; i++) {
		if (!image_demand_has_layer(&demand, layers->items[i].name, &record->digest))
			continue;
		fd_close(&layers->items[i].wrapper);
	}
	return 0;
}

static int remove_names(struct image_store *store, const struct digest *digest, struct sandbox_error *error)
{
	auto_finish(strings_release) struct sandbox_strings names = {0};
	auto_free struct store_name *changes = NULL;
	int result = store_names_of_locked(store, digest, &names, error);

	changes = memory_zeroed(names.count + 1, sizeof(*changes));
	for (size_t i = 0; i < names.count; i++)
		changes[i].name = names.items[i];
	return result < 0 || !names.count ? result : store_names_change_locked(store, changes, names.count, error);
}

/*
 * The record first: from then on there is no such image, and whatever remains of it is garbage. The names are locked, so
 * none comes in between that would be one of nothing.
 */
static int forget(struct image_store *store, const struct digest *digest, struct sandbox_error *error)
{
	int result = image_record_remove(store->root, digest, error);

	test_point("image-forgotten");
	if (result == 0)
		result = remove_names(store, digest, error);
	return result < 0 ? result : identity_forget(store->root, digest, error);
}

static int refuse_changing(const struct digest *digest, struct sandbox_error *error)
{
	(void)error_set(error, EAGAIN, "remove the image sha256:%.12s", digest->hex);
	(void)error_cause(error, SANDBOX_E_IMAGE_IN_USE, "others keep naming or using it meanwhile");
	(void)error_fix(error, "try again");
	return -EAGAIN;
}

/* Whether it is still what was to be removed. The names are locked. 0, -EAGAIN, or -errno. */
static int check_terms(const struct image_collection *collection, const struct image_record *record,
	const struct image_terms *terms, struct sandbox_error *error)
{
	auto_finish(strings_release) struct sandbox_strings names = {0};
	auto_finish(image_record_finish) struct image_record now = {0};
	int result = store_names_of_locked(collection->store, &record->digest, &names, error);

	if (result < 0 || test_defence_removed("terms-again"))
		return result;
	result = image_record_load(collection->store->root, record->digest.hex, &now, error);
	/* Nothing of it would keep it. */
	if (result == -ENOENT || result == -EUCLEAN) {
		error_clear(error);
		now.used = record->used;
		result = 0;
	}
	if (result < 0)
		return result;
	if (names.count <= terms->names && now.used <= terms->used &&
	    (!terms->name || !*terms->name || strings_contain(&names, terms->name)))
		return 0;
	return refuse_changing(&record->digest, error);
}

/* Adds to what was removed, or would be. */
static void count_layers(const struct image_collection *collection, const struct locked_layers *layers,
	struct image_collected *out)
{
	for (size_t i = 0; i < layers->count; i++) {
		if (layers->items[i].wrapper < 0)
			continue;
		out->layers++;
		out->bytes += layer_usage(layers->items[i].wrapper, collection->map);
	}
}

static int forget_on_terms(const struct image_collection *collection, const struct image_record *record,
	const struct image_terms *terms, struct sandbox_error *error)
{
	auto_close int names = store_names_lock(collection->store, error);
	int result = names < 0 ? names : check_terms(collection, record, terms, error);

	if (result < 0 || terms->how == IMAGE_DISCARD_DRY)
		return result;
	return forget(collection->store, &record->digest, error);
}

int image_discard(const struct image_collection *collection, const struct image_record *record,
	const struct image_terms *terms, struct image_collected *out, struct sandbox_error *error)
{
	auto_finish(locked_layers_finish) struct locked_layers layers = {0};
	int result = lock_own_layers(collection, record, &layers, error);

	test_point("image-locked");
	if (result == 0)
		result = check_again(collection, record, terms->how, &layers, error);
	if (result == 0)
		result = forget_on_terms(collection, record, terms, error);
	if (result < 0)
		return result;
	if (out) {
		sandbox_strings_add(&out->images, record->digest.hex);
		count_layers(collection, &layers, out);
	}
	for (size_t i = 0; i < layers.count && result == 0 && terms->how != IMAGE_DISCARD_DRY; i++)
		if (layers.items[i].wrapper >= 0)
			result = layer_discard(collection->store, layers.items[i].name, &layers.items[i].wrapper,
				collection->map, error);
	return result;
}

/* ---- rmi ---- */

/* What `sandbox images` shows of an image is enough to remove it: also the file that it came from. */
static int find_to_remove(struct image_store *store, const char *reference, struct digest *out,
	char out_name[IMAGE_NAME_MAX + 1], struct sandbox_error *error)
{
	int result = reference_find_name(store, reference, out, out_name, error);

	if (result != -ENOENT || text_starts_with(reference, "sha256:") || store->root < 0)
		return result;
	return reference_find_source(store, reference, out, error);
}

/*
 * A damaged record says of no layer that it is the image's: these are garbage from then on. One that was imported again
 * meanwhile is an image like any other: -EAGAIN.
 */
static int remove_damaged(struct image_store *store, const struct digest *digest, struct sandbox_error *error)
{
	auto_finish(image_record_finish) struct image_record now = {0};
	auto_close int names = -1;

	error_clear(error);
	test_point("image-damaged");
	names = store_names_lock(store, error);
	if (names < 0)
		return names;
	return image_record_load(store->root, digest->hex, &now, NULL) == 0 ? refuse_changing(digest, error)
		: forget(store, digest, error);
}

static int remove_found(const struct image_collection *collection, const struct digest *digest, const char *name,
	bool force, bool *out_removed, struct sandbox_error *error)
{
	auto_finish(image_record_finish) struct image_record record = {0};
	auto_finish(strings_release) struct sandbox_strings names = {0};
	struct image_terms terms = {.how = IMAGE_DISCARD, .names = *name ? 1 : SIZE_MAX, .name = name, .used = INT64_MAX};
	int result = store_names_of(collection->store, digest, &names, error);

	if (force)
		terms = (struct image_terms){.how = IMAGE_DISCARD_KEPT, .names = SIZE_MAX, .used = INT64_MAX};
	if (result < 0)
		return result;
	*out_removed = !*name || names.count < 2 || force;
	if (!*out_removed)
		return store_name_remove(collection->store, name, error);
	result = image_record_load(collection->store->root, digest->hex, &record, error);
	if (result == -EUCLEAN && force)
		return remove_damaged(collection->store, digest, error);
	/* A name whose image is gone. */
	if (result == -ENOENT && *name)
		return remove_damaged(collection->store, digest, error);
	if (result == 0)
		result = image_discard(collection, &record, &terms, NULL, error);
	return result;
}

static int find_and_remove(const struct image_collection *collection, const char *reference, bool force, bool *out_removed,
	struct sandbox_error *error)
{
	char name[IMAGE_NAME_MAX + 1];
	struct digest digest;
	int result = find_to_remove(collection->store, reference, &digest, name, error);

	if (result == -ENOENT && force) {
		error_clear(error);
		return 0;
	}
	return result < 0 ? result : remove_found(collection, &digest, name, force, out_removed, error);
}

int image_remove(const struct image_collection *collection, const char *reference, bool force, bool *out_removed,
	struct sandbox_error *error)
{
	int result = -EAGAIN;

	*out_removed = false;
	if (collection->store->root >= 0)
		(void)store_sweep(collection->store, collection->map, NULL);
	/* One that has got another name meanwhile only loses this one. */
	for (int attempt = 0; attempt < REMOVE_ATTEMPTS && result == -EAGAIN; attempt++) {
		error_clear(error);
		result = find_and_remove(collection, reference, force, out_removed, error);
	}
	return result;
}

/* ---- reset ---- */

/* Whether nobody has a lock on anything in the directory: a lease of a layer, or work in staging. */
static int check_idle(struct image_store *store, const char *name, struct sandbox_error *error)
{
	int directory = file_open_directory(store->root, name, error);
	auto_closedir DIR *stream = directory_read(directory);
	const char *entry;

	if (!stream)
		return directory < 0 ? directory : error_set(error, errno, "read %s/%s", store->path, name);
	while ((entry = directory_next(stream))) {
		auto_close int fd = *entry == '.' ? -1 :
			openat(directory, entry, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);

		if (fd < 0 || flock(fd, LOCK_EX | LOCK_NB) == 0)
			continue;
		(void)error_set(error, EBUSY, "remove the image store %s", store->path);
		(void)error_cause(error, SANDBOX_E_IMAGE_IN_USE, "a sandbox runs from it, or an import is under way");
		return error_fix(error, "end what runs (`sandbox ps`), or wait until it has ended");
	}
	return errno ? error_set(error, errno, "read %s/%s", store->path, name) : 0;
}

static int remove_all_layers(struct image_store *store, const struct idmap *map, struct sandbox_error *error)
{
	auto_finish(strings_release) struct sandbox_strings layers = {0};
	int result = layer_list(store, &layers, error);

	for (size_t i = 0; i < layers.count && result == 0; i++)
		result = layer_remove(store, layers.items[i], map, error);
	return result;
}

static int remove_parts(struct image_store *store, const char *const *names, size_t count, struct sandbox_error *error)
{
	int result = 0;

	for (size_t i = 0; i < count && result == 0; i++)
		result = tree_remove(store->root, names[i], error);
	return result;
}

int image_store_reset(struct image_store *store, const struct idmap *map, struct sandbox_error *error)
{
	/* Without records there are no images, and what remains is garbage, whatever happens then. */
	static const char *const records[] = {"archives", "names", "images"}, *const trees[] = {"staging", "layers"};
	int result = check_idle(store, "layers", error);

	if (result == 0)
		result = check_idle(store, "staging", error);
	if (result == 0)
		result = remove_parts(store, records, array_count(records), error);
	test_point("reset-forgotten");
	if (result == 0)
		result = remove_all_layers(store, map, error);
	if (result == 0)
		result = store_sweep(store, map, error);
	if (result == 0)
		result = remove_parts(store, trees, array_count(trees), error);
	if (result < 0)
		return result;
	/* Other things of ours may be kept beside it. */
	if (rmdir(store->path) < 0 && errno != ENOTEMPTY && errno != EEXIST && errno != ENOENT)
		return error_set(error, errno, "remove %s", store->path);
	return 0;
}
