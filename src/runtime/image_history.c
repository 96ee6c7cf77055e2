/* How an image came about: what its configuration says of it, and how large its layers are. */
#include <sandbox/image.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/file.h"
#include "base/memory.h"
#include "base/scope.h"
#include "image/image.h"
#include "image/layer.h"
#include "image/record.h"

struct history {
	struct sandbox_history *items;
	size_t count;
};

static void history_finish(struct history *history)
{
	sandbox_image_history_free(history->items, history->count);
}

void sandbox_image_history_free(struct sandbox_history *history, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		free(history[i].created);
		free(history[i].created_by);
		free(history[i].comment);
	}
	free(history);
}

static struct sandbox_history *add_step(struct history *history)
{
	history->items = memory_resize(history->items, history->count + 1, sizeof(*history->items));
	history->items[history->count] = (struct sandbox_history){.size = 0};
	return &history->items[history->count++];
}

/* "1", when, a comment and a command, with tabs between: it was looked at when it came out of the record. */
static void add_described(struct history *history, const char *text)
{
	auto_free char *copy = memory_text(text);
	struct sandbox_history *step = add_step(history);
	char *rest = copy;

	step->has_layer = strcmp(strsep(&rest, "\t"), "1") == 0;
	step->created = memory_text(strsep(&rest, "\t"));
	step->comment = memory_text(strsep(&rest, "\t"));
	step->created_by = memory_text(rest);
}

/* The layers that the history does not account for: of a root file system it knows nothing. */
static void add_unexplained(struct history *history, const struct image_record *record)
{
	struct sandbox_history *step = add_step(history);

	step->has_layer = true;
	step->created = memory_text("");
	step->comment = memory_text("");
	step->created_by = memory_format("import %s", record->source);
}

/* By any of its trees: the counts do not depend on the id map. */
static uint64_t layer_size(struct image_store *store, const struct image_record *record, size_t layer,
	const struct sandbox_strings *layers)
{
	const char *tree = record->layers[layer].tree.hex;
	struct import_counts counts;

	for (size_t i = 0; i < layers->count; i++) {
		auto_close int wrapper = strncmp(layers->items[i], tree, strlen(tree)) == 0 ?
			file_open_directory(store->layers, layers->items[i], NULL) : -1;

		if (wrapper >= 0 && layer_counts_load(wrapper, &counts, NULL) == 0)
			return counts.apparent_bytes;
	}
	/* The only layer of an image is all of it. */
	return record->layer_count == 1 ? record->counts.apparent_bytes : 0;
}

static int describe_history(struct image_store *store, const struct image_record *record, struct history *out,
	struct sandbox_error *error)
{
	auto_finish(sandbox_strings_finish) struct sandbox_strings layers = {0};
	int result = layer_list(store, &layers, error);
	size_t layer = 0;

	for (size_t i = 0; i < record->config.history.count; i++)
		add_described(out, record->config.history.items[i]);
	for (size_t i = 0; i < out->count; i++)
		layer += out->items[i].has_layer;
	for (; layer < record->layer_count; layer++)
		add_unexplained(out, record);
	layer = 0;
	for (size_t i = 0; i < out->count && layer < record->layer_count; i++)
		if (out->items[i].has_layer)
			out->items[i].size = layer_size(store, record, layer++, &layers);
	return result;
}

int sandbox_image_history(const struct sandbox_locations *locations, const char *reference, struct sandbox_history **out,
	size_t *out_count, struct sandbox_error *error)
{
	auto_finish(image_store_finish) struct image_store store = IMAGE_STORE_INIT;
	auto_finish(image_record_finish) struct image_record record = {.source = NULL};
	auto_finish(history_finish) struct history history = {.items = NULL};
	int result = image_store_open_present(locations->store, &store, error);

	if (result == 0)
		result = image_find(&store, reference, &record, error);
	if (result == 0)
		result = describe_history(&store, &record, &history, error);
	if (result < 0)
		return result;
	*out = history.items;
	*out_count = history.count;
	history = (struct history){.items = NULL};
	return 0;
}
