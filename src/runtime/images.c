/* The image store for callers of the library: sandbox/image.h. Here image/ and the ids of the user meet. */
#include <sandbox/image.h>

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "base/memory.h"
#include "base/scope.h"
#include "base/strings.h"
#include "image/image.h"
#include "image/load.h"
#include "runtime/holder.h"
#include "runtime/host.h"
#include "runtime/image_store.h"
#include "runtime/kept.h"
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

int images_removal_map(struct idmap *out, struct sandbox_error *error)
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

static void describe(const struct image_record *record, const struct store_names *names, struct sandbox_image *out)
{
	const struct image_config *config = &record->config;

	*out = (struct sandbox_image){
		.source = memory_text(record->source), .platform = memory_text(config->platform),
		.user = memory_text(config->user), .workdir = memory_text(config->workdir),
		.stop_signal = memory_text(config->stop_signal),
		.imported = record->created, .used = record->used,
		.archive_bytes = record->counts.archive_bytes, .size = record->counts.apparent_bytes,
		.entries = record->counts.entries, .devices_skipped = record->counts.devices_skipped,
		.attributes_dropped = record->counts.attributes_dropped,
		.owners_dropped = record->counts.owners_dropped,
	};
	memcpy(out->digest, record->digest.hex, sizeof(out->digest));
	memcpy(out->compression, record->compression, sizeof(out->compression));
	for (size_t i = 0; i < record->layer_count; i++)
		sandbox_strings_add(&out->layers, record->layers[i].diff.hex);
	for (size_t i = 0; i < names->count; i++)
		if (strcmp(names->items[i].digest.hex, record->digest.hex) == 0)
			sandbox_strings_add(&out->names, names->items[i].name);
	strings_add_all(&out->env, &config->env);
	strings_add_all(&out->entrypoint, &config->entrypoint);
	strings_add_all(&out->command, &config->command);
	strings_add_all(&out->ports, &config->ports);
	strings_add_all(&out->labels, &config->labels);
	strings_add_all(&out->archive_names, &config->names);
}

int sandbox_image_load(const struct sandbox_locations *locations, const char *archive,
	const struct sandbox_import_options *options, const struct sandbox_progress *progress, struct sandbox_images *out,
	struct sandbox_error *error)
{
	auto_finish(image_store_finish) struct image_store store = IMAGE_STORE_INIT;
	auto_finish(image_list_finish) struct image_list loaded = {.items = NULL};
	auto_finish(store_names_finish) struct store_names names = {.items = NULL};
	struct image_request request;
	struct idmap map = {0};
	int result = decide_map(options->userns, &map, error);

	if (result == 0)
		result = image_store_open(locations->store, &store, error);
	image_request_init(&request, &map);
	if (result == 0)
		result = image_choice_read(options->platform, NULL, &request.choice, error);
	request.limits = options->limits;
	request.progress = progress;
	if (result == 0)
		result = image_load(&store, archive ? archive : "-", &request, &loaded, error);
	if (result == 0)
		result = store_names_load(&store, &names, error);
	if (result < 0)
		return result;
	out->items = memory_zeroed(loaded.count, sizeof(*out->items));
	for (out->count = 0; out->count < loaded.count; out->count++) {
		const struct image *image = &loaded.items[out->count];

		for (size_t i = 0; i < image->notices.count; i++)
			log_notice("%s", image->notices.items[i]);
		describe(&image->record, &names, &out->items[out->count]);
	}
	return 0;
}

/* What imports left that were killed. Not to know how to remove it is no reason to fail. */
static void sweep(struct image_store *store)
{
	struct idmap map = {0};

	if (images_removal_map(&map, NULL) == 0)
		(void)store_sweep(store, &map, NULL);
}

int sandbox_image_list(const struct sandbox_locations *locations, struct sandbox_images *out,
	struct sandbox_error *error)
{
	auto_finish(image_store_finish) struct image_store store = IMAGE_STORE_INIT;
	auto_finish(image_records_finish) struct image_records records = {0};
	auto_finish(store_names_finish) struct store_names names = {0};
	int result = image_store_open_present(locations->store, &store, error);

	*out = (struct sandbox_images){.items = NULL};
	if (result == 0 && store.root < 0)
		return 0;
	if (result == 0) {
		sweep(&store);
		result = image_records_load(store.root, &records, error);
	}
	if (result == 0)
		result = store_names_load(&store, &names, error);
	if (result < 0)
		return result;
	for (size_t i = 0; i < records.damaged.count; i++)
		log_notice("the record of the image sha256:%.12s cannot be understood: sandbox help E_IMAGE_DAMAGED",
			records.damaged.items[i]);
	out->items = memory_zeroed(records.count, sizeof(*out->items));
	for (out->count = 0; out->count < records.count; out->count++)
		describe(&records.items[out->count], &names, &out->items[out->count]);
	return 0;
}

int sandbox_image_find(const struct sandbox_locations *locations, const char *reference, struct sandbox_image *out,
	struct sandbox_error *error)
{
	auto_finish(image_store_finish) struct image_store store = IMAGE_STORE_INIT;
	auto_finish(image_record_finish) struct image_record record = {.source = NULL};
	auto_finish(store_names_finish) struct store_names names = {0};
	int result = image_store_open_present(locations->store, &store, error);

	if (result == 0)
		result = image_find(&store, reference, &record, error);
	if (result == 0)
		result = store_names_load(&store, &names, error);
	if (result == 0)
		describe(&record, &names, out);
	return result;
}

void sandbox_image_finish(struct sandbox_image *image)
{
	struct sandbox_strings *const lists[] = {&image->names, &image->layers, &image->env, &image->entrypoint,
		&image->command, &image->ports, &image->labels, &image->archive_names};

	for (size_t i = 0; i < array_count(lists); i++)
		sandbox_strings_finish(lists[i]);
	free(image->source);
	free(image->platform);
	free(image->user);
	free(image->workdir);
	free(image->stop_signal);
	*image = (struct sandbox_image){.source = NULL};
}

void sandbox_images_finish(struct sandbox_images *images)
{
	for (size_t i = 0; i < images->count; i++)
		sandbox_image_finish(&images->items[i]);
	free(images->items);
	*images = (struct sandbox_images){0};
}

/* What a kept sandbox stands on cannot be had again, unless its archive is still there. */
static int check_nothing_kept(const char *state, int *out_lock, struct sandbox_error *error)
{
	auto_finish(sandbox_strings_finish) struct sandbox_strings layers = {0};
	int result = kept_hold_layers(state, &layers, out_lock, error);

	if (result < 0 || !layers.count)
		return result;
	error_set(error, EBUSY, "remove the image store");
	error_cause(error, SANDBOX_E_IMAGE_IN_USE, "kept sandboxes stand on its layers");
	return error_fix(error, "sandbox rm --all --force, if you can do without all of them");
}

int sandbox_image_reset(const struct sandbox_locations *locations, struct sandbox_error *error)
{
	auto_finish(image_store_finish) struct image_store store = IMAGE_STORE_INIT;
	auto_close int lock = -1;
	struct idmap map = {0};
	int result = images_removal_map(&map, error);

	holders_end(locations->runtime);
	if (result == 0)
		result = image_store_open_present(locations->store, &store, error);
	if (result == 0 && store.root < 0)
		return 0;
	if (result == 0)
		result = check_nothing_kept(locations->state, &lock, error);
	return result < 0 ? result : image_store_reset(&store, &map, error);
}
