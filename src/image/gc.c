/* Collecting garbage: collect.h tells what is taken. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/file.h"
#include "base/log.h"
#include "base/scope.h"
#include "base/strings.h"
#include "base/test_switch.h"
#include "image/collect.h"
#include "image/identity.h"
#include "image/layer.h"
#include "image/manifest.h"

void image_collected_finish(struct image_collected *collected)
{
	sandbox_strings_finish(&collected->images);
	*collected = (struct image_collected){.layers = 0};
}

static void strings_release(struct sandbox_strings *strings)
{
	sandbox_strings_finish(strings);
}

/* ---- layers that no image has ---- */

/*
 * Removes a layer unless something needs it, and adds it to *out; with `dry_run` it stays. One that an import has just
 * published is leased until its image is recorded: so whoever can lock it, and then finds no need of it, is alone with it.
 * 0, also when it is in use or gone, or -errno.
 */
static int collect_layer(const struct image_collection *collection, const char *name, bool dry_run,
	struct image_collected *out, struct sandbox_error *error)
{
	auto_finish(image_demand_finish) struct image_demand demand = {.records = {.items = NULL}};
	auto_close int wrapper = layer_lock(collection->store, name, error);
	int result;

	if (wrapper == -ENOENT || wrapper == -EBUSY)
		return 0;
	result = wrapper < 0 ? wrapper : image_demand_load(collection, &demand, error);
	if (result < 0 || (image_demand_has_layer(&demand, name, NULL) && !test_defence_removed("need-again")))
		return result;
	log_debug("no image has the layer %s", name);
	out->layers++;
	out->bytes += layer_usage(wrapper, collection->map);
	return dry_run ? 0 : layer_discard(collection->store, name, &wrapper, collection->map, error);
}

void image_take_back_layer(struct image_store *store, const struct idmap *map, const char *name)
{
	const struct image_collection collection = {.store = store, .map = map};
	struct image_collected counts = {.layers = 0};

	(void)collect_layer(&collection, name, false, &counts, NULL);
}

static int collect_layers(const struct image_collection *collection, bool dry_run, struct image_collected *out,
	struct sandbox_error *error)
{
	auto_finish(image_demand_finish) struct image_demand demand = {.records = {.items = NULL}};
	auto_finish(strings_release) struct sandbox_strings layers = {0};
	int result = image_demand_load(collection, &demand, error);

	if (result == 0)
		result = layer_list(collection->store, &layers, error);
	for (size_t i = 0; i < layers.count && result == 0; i++)
		if (!image_demand_has_layer(&demand, layers.items[i], NULL))
			result = collect_layer(collection, layers.items[i], dry_run, out, error);
	return result;
}

/* ---- images ---- */

/* What the images take together, with the layers that nobody has any more. */
static int measure(const struct image_collection *collection, uint64_t *out, struct sandbox_error *error)
{
	auto_finish(strings_release) struct sandbox_strings layers = {0};
	int result = layer_list(collection->store, &layers, error);

	*out = 0;
	for (size_t i = 0; i < layers.count && result == 0; i++) {
		auto_close int wrapper = file_open_directory(collection->store->layers, layers.items[i], NULL);

		if (wrapper >= 0)
			*out += layer_usage(wrapper, collection->map);
	}
	return result;
}

static int compare_used(const void *left, const void *right)
{
	const struct image_record *a = left, *b = right;

	return (a->used > b->used) - (a->used < b->used);
}

static bool has_name(const struct store_names *names, const struct digest *digest)
{
	for (size_t i = 0; i < names->count; i++)
		if (strcmp(names->items[i].digest.hex, digest->hex) == 0)
			return true;
	return false;
}

/* Whether the image may go by what is known of it without asking who uses it. */
static bool is_allowed(const struct image_policy *policy, const struct image_record *record, const struct store_names *names)
{
	/* What no archive brings back goes when somebody says so. */
	return !record->committed && (policy->named || !has_name(names, &record->digest));
}

/* Without a size, nothing said of an age means any. */
static bool is_too_old(const struct image_policy *policy, const struct image_record *record)
{
	return (policy->size == UINT64_MAX || policy->unused_for) && time(NULL) - record->used >= policy->unused_for;
}

/* What is left of `taken`. More may be removed than was measured: layers come while images go. */
static uint64_t remaining(uint64_t taken, uint64_t removed)
{
	return taken > removed || test_defence_removed("size-left") ? taken - removed : 0;
}

/* One that is in use stays. The removal itself looks again at all that it depends on. */
static int collect_image(const struct image_collection *collection, const struct image_policy *policy,
	const struct image_record *record, struct image_collected *out, struct sandbox_error *error)
{
	const struct image_terms terms = {
		.how = policy->dry_run ? IMAGE_DISCARD_DRY : IMAGE_DISCARD,
		.names = policy->named ? SIZE_MAX : 0,
		.used = policy->unused_for || policy->size != UINT64_MAX ? record->used : INT64_MAX,
	};
	int result = image_discard(collection, record, &terms, out, error);

	if (result != -EBUSY && result != -EAGAIN)
		return result;
	log_debug("the image %.12s is in use", record->digest.hex);
	error_clear(error);
	return 0;
}

static int collect_images(const struct image_collection *collection, const struct image_policy *policy,
	struct image_collected *out, struct sandbox_error *error)
{
	auto_finish(image_demand_finish) struct image_demand demand = {.records = {.items = NULL}};
	auto_finish(store_names_finish) struct store_names names = {0};
	struct image_collection each = *collection;
	/* What is garbage has gone before it is measured, unless all of this is only said. */
	uint64_t taken = 0, before = policy->dry_run ? 0 : out->bytes;
	int result = image_demand_load(collection, &demand, error);

	if (result == 0)
		result = store_names_load(collection->store, &names, error);
	if (result == 0 && policy->size != UINT64_MAX)
		result = measure(collection, &taken, error);
	test_point("gc-measured");
	/* A layer of two images that both would go is to be counted with the second of them. */
	if (policy->dry_run)
		each.pretended = &out->images;
	if (result == 0 && demand.records.count)
		qsort(demand.records.items, demand.records.count, sizeof(*demand.records.items), compare_used);
	for (size_t i = 0; i < demand.records.count && result == 0; i++) {
		const struct image_record *record = &demand.records.items[i];
		bool too_much = policy->size != UINT64_MAX && remaining(taken, out->bytes - before) > policy->size;

		if (is_allowed(policy, record, &names) && (is_too_old(policy, record) || too_much))
			result = collect_image(&each, policy, record, out, error);
	}
	out->left = remaining(taken, out->bytes - before);
	return result;
}

int image_collect(const struct image_collection *collection, const struct image_policy *policy,
	struct image_collected *out, struct sandbox_error *error)
{
	int result = store_sweep(collection->store, collection->map, error);

	if (result == 0)
		result = collect_layers(collection, policy->dry_run, out, error);
	if (result == 0 && policy->images)
		result = collect_images(collection, policy, out, error);
	if (result == 0 && !policy->dry_run)
		result = identity_collect(collection->store->root, error);
	return result;
}
