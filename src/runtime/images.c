/* The image store for callers of the library: sandbox/image.h. Here image/ and the ids of the user meet. */
#include <sandbox/image.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "base/memory.h"
#include "base/scope.h"
#include "image/image.h"
#include "runtime/holder.h"
#include "runtime/host.h"
#include "runtime/plan.h"

_Static_assert((int)SANDBOX_DIGEST_SIZE == (int)DIGEST_HEX_SIZE, "the public size is that of the digests inside");

static int decide_map(const char *userns, struct idmap *out, struct sandbox_error *error)
{
	auto_finish(host_finish) struct host host = {0};
	struct userns_request request;
	int result = userns_request_read(userns, NULL, NULL, &request, error);

	if (result == 0)
		result = host_probe(request.mode != USERNS_SINGLE, &host, error);
	return result < 0 ? result : plan_decide_idmap(&request, &host, out, error);
}

/* The widest map that this user can have: for removing files, whoever owns them. */
static int decide_removal_map(struct idmap *out, struct sandbox_error *error)
{
	return decide_map("map", out, NULL) == 0 ? 0 : decide_map("single", out, error);
}

int sandbox_image_import(const struct sandbox_locations *locations, const char *archive,
	const struct sandbox_import_options *options, const struct sandbox_progress *progress,
	char out_digest[SANDBOX_DIGEST_SIZE], struct sandbox_error *error)
{
	auto_finish(image_store_finish) struct image_store store = IMAGE_STORE_INIT;
	auto_finish(image_finish) struct image image = {0};
	struct image_request request;
	struct idmap map = {0};
	int result = decide_map(options->userns, &map, error);

	if (result == 0)
		result = image_store_open(locations->store, &store, error);
	if (result < 0)
		return result;
	image_request_init(&request, &map);
	result = image_choice_read(options->platform, options->select, &request.choice, error);
	if (result < 0)
		return result;
	request.limits = options->limits;
	request.name_from_archive = true;
	request.name = options->name;
	request.durable = request.archive_only = true;
	request.progress = progress;
	result = image_resolve(&store, archive, &request, &image, error);
	if (result < 0)
		return result;
	for (size_t i = 0; i < image.notices.count; i++)
		log_notice("%s", image.notices.items[i]);
	memcpy(out_digest, image.record.digest.hex, SANDBOX_DIGEST_SIZE);
	return 0;
}

static int describe(struct image_store *store, const struct image_record *record, struct sandbox_image *out,
	struct sandbox_error *error)
{
	*out = (struct sandbox_image){
		.source = memory_text(record->source),
		.platform = memory_text(record->config.platform), .imported = record->created,
		.archive_bytes = record->counts.archive_bytes, .size = record->counts.apparent_bytes,
		.entries = record->counts.entries, .devices_skipped = record->counts.devices_skipped,
		.attributes_dropped = record->counts.attributes_dropped,
		.owners_dropped = record->counts.owners_dropped,
	};
	memcpy(out->digest, record->digest.hex, sizeof(out->digest));
	for (size_t i = 0; i < record->layer_count; i++)
		sandbox_strings_add(&out->layers, record->layers[i].diff.hex);
	memcpy(out->compression, record->compression, sizeof(out->compression));
	return store_names_of(store, &record->digest, &out->names, error);
}

/* What imports left that were killed. Not to know how to remove it is no reason to fail. */
static void sweep(struct image_store *store)
{
	struct idmap map = {0};

	if (decide_removal_map(&map, NULL) == 0)
		(void)store_sweep(store, &map, NULL);
}

int sandbox_image_list(const struct sandbox_locations *locations, struct sandbox_images *out,
	struct sandbox_error *error)
{
	auto_finish(image_store_finish) struct image_store store = IMAGE_STORE_INIT;
	auto_finish(image_records_finish) struct image_records records = {0};
	auto_finish(sandbox_images_finish) struct sandbox_images images = {0};
	int result = image_store_open_present(locations->store, &store, error);

	if (result == 0 && store.root < 0)
		return 0;
	if (result == 0) {
		sweep(&store);
		result = image_records_load(store.root, &records, error);
	}
	if (result < 0)
		return result;
	images.items = memory_zeroed(records.count, sizeof(*images.items));
	for (; images.count < records.count && result == 0; images.count++)
		result = describe(&store, &records.items[images.count], &images.items[images.count], error);
	if (result < 0)
		return result;
	*out = images;
	images = (struct sandbox_images){0};
	return 0;
}

void sandbox_images_finish(struct sandbox_images *images)
{
	for (size_t i = 0; i < images->count; i++) {
		sandbox_strings_finish(&images->items[i].names);
		sandbox_strings_finish(&images->items[i].layers);
		free(images->items[i].source);
		free(images->items[i].platform);
	}
	free(images->items);
	*images = (struct sandbox_images){0};
}

int sandbox_image_remove(const struct sandbox_locations *locations, const char *reference, bool *out_removed,
	struct sandbox_error *error)
{
	auto_finish(image_store_finish) struct image_store store = IMAGE_STORE_INIT;
	struct idmap map = {0};
	bool removed = false;
	int result = decide_removal_map(&map, error);

	if (result == 0)
		result = image_store_open_present(locations->store, &store, error);
	if (result == 0)
		result = image_remove(&store, reference, &map, &removed, error);
	if (result == 0 && out_removed)
		*out_removed = removed;
	return result;
}

int sandbox_image_reset(const struct sandbox_locations *locations, struct sandbox_error *error)
{
	auto_finish(image_store_finish) struct image_store store = IMAGE_STORE_INIT;
	struct idmap map = {0};
	int result = decide_removal_map(&map, error);

	holders_end(locations->runtime);
	if (result == 0)
		result = image_store_open_present(locations->store, &store, error);
	if (result == 0 && store.root < 0)
		return 0;
	return result < 0 ? result : image_store_reset(&store, &map, error);
}
