#include "image/save.h"

#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "base/scope.h"
#include "base/strings.h"
#include "image/lease.h"
#include "image/reference.h"
#include "image/save_form.h"
#include "image/save_layers.h"

/* An archive on its way. */
struct saving {
	struct image_store *store;
	const struct image_save *save;
	struct save_output output;
	struct saved_image *images;
	size_t image_count;
	struct saved_layer *written; /* a layer that several images have is written once */
	size_t written_count;
	struct tree_tar_counts counts;
	uint64_t lost; /* owners that the store could not keep */
};

static void saving_finish(struct saving *saving)
{
	for (size_t i = 0; i < saving->image_count; i++)
		saved_image_finish(&saving->images[i]);
	free(saving->images);
	free(saving->written);
	save_output_finish(&saving->output);
}

/* ---- layers ---- */

struct jobs {
	struct save_job *items;
	size_t count;
};

static void jobs_finish(struct jobs *jobs)
{
	for (size_t i = 0; i < jobs->count; i++)
		layer_source_finish(&jobs->items[i].source);
	free(jobs->items);
}

static const struct saved_layer *find_written(const struct saving *saving, const struct digest *tree)
{
	for (size_t i = 0; i < saving->written_count; i++)
		if (strcmp(saving->written[i].tree.hex, tree->hex) == 0)
			return &saving->written[i];
	return NULL;
}

static int add_job(struct saving *saving, const struct image_layer *layer, struct jobs *jobs, struct sandbox_error *error)
{
	struct save_job job = {.source = LAYER_SOURCE_INIT, .opaque = layer->opaque};
	int result = layer_source_find(saving->store, &layer->tree, true, &job.source, error);

	if (result < 0)
		return result;
	job.saved.tree = layer->tree;
	saving->lost += job.source.ids.lost;
	jobs->items = memory_resize(jobs->items, jobs->count + 1, sizeof(*jobs->items));
	jobs->items[jobs->count++] = job;
	return 0;
}

/* Those that can be seen, and are not in the archive yet. */
static int write_layers(struct saving *saving, const struct image_record *record, struct sandbox_error *error)
{
	auto_finish(jobs_finish) struct jobs jobs = {0};
	int result = 0;

	for (size_t i = 0; i < record->layer_count && result == 0; i++)
		if (image_shows_layer(record, i) && !find_written(saving, &record->layers[i].tree))
			result = add_job(saving, &record->layers[i], &jobs, error);
	if (result == 0 && jobs.count)
		result = save_layers(&saving->output, jobs.items, jobs.count, saving->save->progress, &saving->counts, error);
	if (result < 0)
		return result;
	saving->written = memory_resize(saving->written, saving->written_count + jobs.count, sizeof(*saving->written));
	for (size_t i = 0; i < jobs.count; i++)
		saving->written[saving->written_count++] = jobs.items[i].saved;
	return 0;
}

/* ---- images ---- */

static int write_blob(const struct saving *saving, const char *text, const char *suffix, struct digest *out,
	struct sandbox_error *error)
{
	bool docker = saving->save->format == SANDBOX_SAVE_DOCKER_ARCHIVE;
	auto_free char *name = NULL;

	digest_of(text, strlen(text), out);
	name = docker ? memory_format("%s%s", out->hex, suffix) : memory_format("blobs/sha256/%s", out->hex);
	return save_member(&saving->output, name, text, error);
}

static int write_descriptions(struct saving *saving, struct saved_image *image, struct sandbox_error *error)
{
	auto_free char *config = save_config_text(image), *manifest = NULL;
	int result = write_blob(saving, config, ".json", &image->config, error);

	if (result < 0 || saving->save->format == SANDBOX_SAVE_DOCKER_ARCHIVE)
		return result;
	manifest = save_manifest_text(image, strlen(config));
	image->manifest_size = strlen(manifest);
	return write_blob(saving, manifest, "", &image->manifest, error);
}

/* Names of images are in lower case elsewhere, and Docker wants a tag with each. */
static char *name_for_others(const char *name, struct sandbox_strings *notices)
{
	const char *slash = strrchr(name, '/');

	if (strpbrk(name, "ABCDEFGHIJKLMNOPQRSTUVWXYZ")) {
		strings_take(notices, memory_format("%s has no name in the archive: other tools take no capital letters", name));
		return NULL;
	}
	return memory_format("%s%s", name, strchr(slash ? slash : name, ':') ? "" : ":latest");
}

static int find_one(struct saving *saving, const char *reference, struct sandbox_strings *notices,
	struct sandbox_error *error)
{
	struct saved_image *image = &saving->images[saving->image_count++];
	struct digest digest, named;
	int result = reference_find(saving->store, reference, &digest, error);

	if (result == 0)
		result = image_record_load(saving->store->root, digest.hex, &image->record, error);
	if (result == 0 && store_name_find(saving->store, reference, &named) == 0)
		image->name = name_for_others(reference, notices);
	return result;
}

static int save_one(struct saving *saving, struct saved_image *image, const char *reference, struct sandbox_error *error)
{
	int result = write_layers(saving, &image->record, error);

	for (size_t i = 0; i < image->record.layer_count && result == 0; i++) {
		const struct saved_layer *layer = find_written(saving, &image->record.layers[i].tree);

		if (!layer || !image_shows_layer(&image->record, i))
			continue;
		image->layers = memory_resize(image->layers, image->layer_count + 1, sizeof(*image->layers));
		image->layers[image->layer_count++] = *layer;
	}
	return result < 0 ? error_wrap(error, "save %.128s", reference) : write_descriptions(saving, image, error);
}

static int write_contents(struct saving *saving, struct sandbox_error *error)
{
	auto_free char *text = NULL;
	int result;

	if (saving->save->format == SANDBOX_SAVE_DOCKER_ARCHIVE) {
		text = save_docker_manifest_text(saving->images, saving->image_count);
		result = save_member(&saving->output, "manifest.json", text, error);
	} else {
		text = save_index_text(saving->images, saving->image_count);
		result = save_member(&saving->output, "oci-layout", "{\"imageLayoutVersion\": \"1.0.0\"}\n", error);
		if (result == 0)
			result = save_member(&saving->output, "index.json", text, error);
	}
	return result < 0 ? result : save_end(&saving->output, error);
}

static void add_notice(struct sandbox_strings *notices, uint64_t count, const char *what)
{
	if (count)
		strings_take(notices, memory_format("%llu %s", (unsigned long long)count, what));
}

int image_save(struct image_store *store, const struct image_save *save, struct sandbox_strings *notices,
	struct sandbox_error *error)
{
	auto_finish(saving_finish) struct saving saving = {.store = store, .save = save, .output = {.spool = -1}};
	int result = 0;

	saving.images = memory_zeroed(save->count, sizeof(*saving.images));
	/* All of them, before a single byte is written. */
	for (size_t i = 0; i < save->count && result == 0; i++)
		result = find_one(&saving, save->references[i], notices, error);
	if (result == 0)
		result = save_output_open(&saving.output, store, save->fd, save->format, error);
	if (result == 0)
		result = save_begin(&saving.output, error);
	for (size_t i = 0; i < save->count && result == 0; i++)
		result = save_one(&saving, &saving.images[i], save->references[i], error);
	if (result == 0)
		result = write_contents(&saving, error);
	add_notice(notices, saving.lost, "owners or capabilities were lost when the image was unpacked for a single id");
	add_notice(notices, saving.counts.attributes, "extended attributes or ACLs were left out");
	return result;
}
