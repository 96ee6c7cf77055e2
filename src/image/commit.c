#include "image/commit.h"

#include <errno.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/interrupt.h"
#include "base/json.h"
#include "base/memory.h"
#include "base/scope.h"
#include "base/strings.h"
#include "base/test_switch.h"
#include "image/collect.h"
#include "image/image.h"
#include "image/layer.h"
#include "image/lease.h"
#include "image/unpack_layers.h"

enum { STEP_TEXT_MAX = 4096 };

/* Next to none: the tree is the user's own, and the disk holds it already. */
static struct sandbox_import_limits wide_limits(void)
{
	struct sandbox_import_limits limits = SANDBOX_IMPORT_LIMITS_DEFAULT;

	limits.stream_bytes = limits.apparent_bytes = limits.entries = limits.ratio = INT64_MAX;
	limits.depth = INT16_MAX;
	return limits;
}

/* ---- the layer ---- */

static int check_stream(const struct image_commit *commit, const struct import_result *found, struct sandbox_error *error)
{
	/* All directories on the way to a change are changed themselves, so the stream lists them. */
	if (strcmp(found->diff.hex, commit->diff.hex) != 0 || found->implied || found->opaque)
		return error_set(error, EIO, "read the new layer again: it is another");
	return 0;
}

static int publish(struct image_store *store, const struct image_commit *commit, struct staging *staging,
	const struct import_counts *counts, struct layer_lease *out_lease, struct sandbox_error *error)
{
	struct digest tree;
	int result = layer_counts_save(staging->wrapper, counts, error);

	unpack_name_tree(&commit->diff, &tree);
	if (result == 0)
		result = layer_publish(store, &tree, commit->map, staging, out_lease, error);
	if (result == 0)
		image_record_add_layer(commit->base, &commit->diff, &tree, false);
	return result;
}

static int add_layer(struct image_store *store, const struct image_commit *commit, const struct interrupt *interrupt,
	struct import_counts *counts, struct layer_lease *out_lease, struct sandbox_error *error)
{
	struct image_request request;
	struct unpacking unpacking = {.store = store, .request = &request, .interrupt = interrupt, .spool = -1};
	struct importer importer = {.mode = IMPORT_LAYER, .archive = commit->layer, .layout = -1, .size = commit->size,
		.limits = wide_limits(), .archive_size = commit->size};
	auto_finish(staging_finish) struct staging staging = STAGING_INIT;
	auto_finish(import_image_finish) struct import_image none = {0};
	auto_close int notes = -1;
	struct import_result found;
	int result;

	image_request_init(&request, commit->map);
	result = unpack_stage(&unpacking, &importer, &staging, &notes, &found, &none, error);
	if (result == 0)
		result = check_stream(commit, &found, error);
	if (result == 0) {
		*counts = found.counts;
		result = publish(store, commit, &staging, counts, out_lease, error);
	}
	test_point("commit-published");
	if (staging.wrapper >= 0)
		(void)staging_remove(store, &staging, commit->map, NULL);
	return result;
}

/* ---- what is said of it ---- */

/* Where the image does not tell how its layers came about, so that each step stays with its layer. */
static int explain_base(struct image_record *record, size_t layers, struct sandbox_error *error)
{
	auto_free char *step = memory_format("1\t\t\timport %s", record->source);
	size_t told = 0;
	int result = 0;

	for (size_t i = 0; i < record->config.history.count; i++)
		told += record->config.history.items[i][0] == '1';
	for (; told < layers && result == 0; told++)
		result = image_config_add(&record->config, IMPORT_TEXT_HISTORY, step, error);
	return result;
}

/* Tabs are between the parts of a step. */
static char *one_line(const char *text)
{
	char *line = memory_text_n(text, STEP_TEXT_MAX);

	for (char *byte = line; *byte; byte++)
		if (*byte == '\t' || *byte == '\n')
			*byte = ' ';
	return line;
}

static int add_step(const struct image_commit *commit, int64_t now, struct sandbox_error *error)
{
	auto_free char *comment = one_line(commit->comment ? commit->comment : ""), *step = NULL;
	time_t moment = (time_t)now;
	char when[24] = "";
	struct tm utc;

	if (gmtime_r(&moment, &utc))
		(void)strftime(when, sizeof(when), "%Y-%m-%dT%H:%M:%SZ", &utc);
	step = memory_format("1\t%s\t%s\t%s", when, comment, commit->source);
	return image_config_add(&commit->base->config, IMPORT_TEXT_HISTORY, step, error);
}

/* There is no archive: it goes by what it consists of, and when it was made. */
static void name_image(struct image_record *record)
{
	auto_finish(json_free) struct json_object *config = image_config_describe(&record->config);
	auto_free char *text = json_text(config);

	for (size_t i = 0; i < record->layer_count; i++)
		memory_append(&text, "%s\n", record->layers[i].tree.hex);
	memory_append(&text, "%lld", (long long)record->created);
	digest_of(text, strlen(text), &record->digest);
}

static int fill_record(const struct image_commit *commit, const struct import_counts *counts, struct sandbox_error *error)
{
	struct image_record *record = commit->base;
	int result = explain_base(record, record->layer_count - 1, error);

	record->created = (int64_t)time(NULL);
	if (result == 0)
		result = add_step(commit, record->created, error);
	free(record->source);
	record->source = memory_text(commit->source);
	(void)snprintf(record->compression, sizeof(record->compression), "none");
	record->committed = true;
	sandbox_strings_finish(&record->config.names);
	import_counts_add(&record->counts, counts);
	record->counts.archive_bytes = 0;
	name_image(record);
	return result;
}

static int record_image(struct image_store *store, const struct image_commit *commit, struct sandbox_error *error)
{
	auto_finish(image_finish) struct image image = {.record = *commit->base};
	int result;

	*commit->base = (struct image_record){.source = NULL};
	result = image_lease_layers(store, &image, commit->map, true, error);
	if (result == 0)
		result = image_record_save(store->root, &image.record, error);
	test_point("commit-recorded");
	if (result == 0)
		result = image_make_durable(store, &image, error);
	if (result == 0 && commit->name)
		result = image_name(store, &image, commit->name, error);
	return result;
}

/* There is no image that the layer came for. */
static void take_back(struct image_store *store, const struct image_commit *commit)
{
	char name[LAYER_NAME_SIZE];
	struct digest tree;

	unpack_name_tree(&commit->diff, &tree);
	layer_name(&tree, commit->map, name);
	image_take_back_layer(store, commit->map, name);
}

int image_commit(struct image_store *store, const struct image_commit *commit, struct digest *out_digest,
	struct sandbox_error *error)
{
	auto_finish(interrupt_release) struct interrupt interrupt = INTERRUPT_INIT;
	struct layer_lease lease = {.wrapper = -1};
	struct import_counts counts = {0};
	int result = interrupt_hold(&interrupt, error);

	if (result == 0)
		result = add_layer(store, commit, &interrupt, &counts, &lease, error);
	if (result == 0)
		result = fill_record(commit, &counts, error);
	if (result == 0) {
		*out_digest = commit->base->digest;
		result = record_image(store, commit, error);
	}
	/* Until the record names it, the lease alone keeps it. */
	scope_close(&lease.wrapper);
	if (result < 0 && lease.made)
		take_back(store, commit);
	return result;
}
