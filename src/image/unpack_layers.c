#include "image/unpack_layers.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/log.h"
#include "base/memory.h"
#include "base/progress.h"
#include "base/scope.h"
#include "base/test_switch.h"
#include "image/inherit.h"
#include "image/layer.h"
#include "image/lease.h"
#include "image/record.h"

/* What a layer's tree depends on besides its stream. */
enum dependence {
	DEPENDS_ON_NOTHING,
	DEPENDS_ON_NOTHING_OPAQUE, /* and it hides all that lies below */
	DEPENDS_ON_LOWER,          /* it does not list all of its directories: inherit.h */
	DEPENDENCES,
};

/* A layer on its way to be leased. */
struct pending {
	const struct import_layer *wanted;
	struct digest tree;
	enum dependence dependence;
	bool opaque;
	const struct pending *same; /* an earlier one of this image, whose tree it shares; or NULL */
	struct layer_lease lease; /* wrapper -1: it is in `staging`, or there is one that is the same */
	struct import_counts counts; /* of the entries that made it */
	struct staging staging;
};

struct pending_list {
	const struct unpacking *unpacking;
	struct pending *items;
	size_t count;
};

static void pending_list_finish(struct pending_list *list)
{
	const struct idmap *map = list->unpacking->request->map;

	for (size_t i = 0; i < list->count; i++) {
		scope_close(&list->items[i].lease.wrapper);
		if (list->items[i].staging.wrapper >= 0)
			(void)staging_remove(list->unpacking->store, &list->items[i].staging, map, NULL);
	}
	free(list->items);
}

/* What becomes of a stream as a layer is not what becomes of it as a root file system, nor is its name. */
static void name_tree(const struct pending_list *list, struct pending *pending, enum dependence dependence)
{
	static const char *const words[] = {"whole layer", "opaque layer", "layer above"};
	auto_free char *text = memory_format("%s %s", words[dependence], pending->wanted->diff.hex);

	for (size_t i = 0; dependence == DEPENDS_ON_LOWER && &list->items[i] < pending; i++)
		memory_append(&text, " %s", list->items[i].tree.hex);
	pending->dependence = dependence;
	pending->opaque = dependence == DEPENDS_ON_NOTHING_OPAQUE;
	digest_of(text, strlen(text), &pending->tree);
}

void unpack_name_tree(const struct digest *diff, struct digest *out)
{
	const struct import_layer wanted = {.diff = *diff};
	struct pending pending = {.wanted = &wanted};

	name_tree(NULL, &pending, DEPENDS_ON_NOTHING);
	*out = pending.tree;
}

/* Whether the store, or an earlier layer of this image, is the same. 1, 0, or -errno. */
static int find_layer(const struct pending_list *list, struct pending *pending, struct sandbox_error *error)
{
	const struct unpacking *unpacking = list->unpacking;

	for (size_t i = 0; i < list->count; i++) {
		const struct pending *earlier = &list->items[i];

		/* One that takes something from below takes something else when it comes again, higher up. */
		if (strcmp(earlier->wanted->diff.hex, pending->wanted->diff.hex) != 0 ||
		    earlier->dependence == DEPENDS_ON_LOWER)
			continue;
		pending->tree = earlier->tree;
		pending->dependence = earlier->dependence;
		pending->opaque = earlier->opaque;
		pending->same = earlier->same ? earlier->same : earlier;
		return 1;
	}
	for (unsigned int dependence = 0; dependence < DEPENDENCES; dependence++) {
		char name[LAYER_NAME_SIZE];
		int result;

		name_tree(list, pending, (enum dependence)dependence);
		layer_name(&pending->tree, unpacking->request->map, name);
		result = layer_lease(unpacking->store, name, false, &pending->lease, error);
		if (result != -ENOENT)
			return result < 0 ? result : 1;
	}
	return 0;
}

static int check_digest(const struct digest *wanted, const struct digest *found, const char *what,
	struct sandbox_error *error)
{
	if (strcmp(wanted->hex, found->hex) == 0 || test_defence_removed("layer-digest"))
		return 0;
	(void)error_set(error, 0, "refused the image: the layer %.12s is not what it should be", wanted->hex);
	(void)error_cause(error, SANDBOX_E_ARCHIVE_HOSTILE, "the digest of its %s is sha256:%s", what, found->hex);
	return error_fix(error, "fetch the archive again; do not trust it if that does not help");
}

static uint64_t smaller(uint64_t one, uint64_t other)
{
	return one < other ? one : other;
}

/* What the layers before have left of the limits, which are those of the image. */
static struct sandbox_import_limits limits_left(const struct unpacking *unpacking, const struct import_counts *used)
{
	struct sandbox_import_limits limits = unpacking->request->limits;

	limits.stream_bytes -= smaller(used->stream_bytes, limits.stream_bytes);
	limits.apparent_bytes -= smaller(used->apparent_bytes, limits.apparent_bytes);
	limits.entries -= smaller(used->entries, limits.entries);
	return limits;
}

/* Gives the directories that the layer does not list what they have below it. */
static int inherit(const struct pending_list *list, struct pending *pending, int paths, struct sandbox_error *error)
{
	int lower[IMPORT_LAYERS_MAX];
	size_t count = 0;

	for (struct pending *item = pending; item-- > list->items;) {
		const struct pending *kept = item->same ? item->same : item;

		lower[count++] = kept->lease.wrapper >= 0 ? kept->lease.wrapper : kept->staging.wrapper;
		if (item->opaque)
			break;
	}
	return inherit_directories(pending->staging.wrapper, paths, lower, count, list->unpacking->request->map,
		list->unpacking->interrupt, error);
}

static int unpack_layer(struct unpacking *unpacking, const struct pending_list *list, struct pending *pending,
	struct import_counts *used, struct sandbox_error *error)
{
	const struct archive_file *file = unpacking->file;
	auto_close int blob = file->layout >= 0 ? layout_open_blob(file->layout, pending->wanted->blob.hex) : -1;
	struct importer importer = {
		.mode = IMPORT_LAYER, .archive = unpacking->result.spooled ? unpacking->spool : file->fd,
		.layout = -1, .limits = limits_left(unpacking, used),
		.offset = pending->wanted->offset, .size = pending->wanted->size, .archive_size = pending->wanted->size,
	};
	auto_finish(import_image_finish) struct import_image none = {0};
	auto_close int notes = -1;
	struct import_result found;
	struct stat status;
	bool unlisted;
	int result;

	if (file->layout >= 0 && blob < 0)
		return error_set(error, -blob, "open blobs/sha256/%s", pending->wanted->blob.hex);
	if (blob >= 0)
		importer.archive = blob;
	if (blob >= 0 && fstat(blob, &status) == 0)
		importer.archive_size = (uint64_t)status.st_size;
	progress_begin(unpacking->request->progress, "unpacking layer %zu of %zu", (size_t)(pending - list->items) + 1,
		unpacking->image.layer_count);
	result = unpack_stage(unpacking, &importer, &pending->staging, &notes, &found, &none, error);
	if (result == 0 && pending->wanted->blob.hex[0])
		result = check_digest(&pending->wanted->blob, &found.archive, "file in the archive", error);
	if (result == 0)
		result = check_digest(&pending->wanted->diff, &found.diff, "contents", error);
	if (result < 0)
		return result;
	/* The importer has ended; one descriptor for each of many layers is enough. */
	staging_unlock(&pending->staging);
	/* Also where there is nothing below: as the lowest layer of one image it must not become that of another. */
	unlisted = found.implied && !found.opaque;
	name_tree(list, pending, found.opaque ? DEPENDS_ON_NOTHING_OPAQUE : unlisted ? DEPENDS_ON_LOWER : DEPENDS_ON_NOTHING);
	result = unlisted && pending > list->items ? inherit(list, pending, notes, error) : 0;
	if (result < 0)
		return result;
	pending->counts = found.counts;
	import_counts_add(used, &found.counts);
	used->entries += found.implied;
	used->archive_bytes += found.counts.archive_bytes;
	return 0;
}

/* It counts all the same: the image is as large as it is. Of a repeated one nothing is seen. */
static void note_stored(struct pending *pending, size_t number, struct import_counts *used)
{
	log_debug("layer %zu, %.12s, is in the store", number, pending->wanted->diff.hex);
	if (pending->lease.wrapper >= 0 && layer_counts_load(pending->lease.wrapper, &pending->counts, NULL) == 0)
		import_counts_add(used, &pending->counts);
}

/* Everything that can go wrong with the image goes wrong here, while nothing is in the store yet. */
static int stage_layers(struct unpacking *unpacking, struct pending_list *list, struct import_counts *used,
	struct sandbox_error *error)
{
	list->items = memory_zeroed(unpacking->image.layer_count, sizeof(*list->items));
	for (size_t i = 0; i < unpacking->image.layer_count; i++) {
		struct pending *pending = &list->items[i];
		int result;

		*pending = (struct pending){
			.wanted = &unpacking->image.layers[i], .lease = {.wrapper = -1}, .staging = STAGING_INIT};
		result = find_layer(list, pending, error);
		list->count++;
		if (result > 0)
			note_stored(pending, i, used);
		if (result == 0)
			result = unpack_layer(unpacking, list, pending, used, error);
		if (result < 0)
			return result;
	}
	return 0;
}

static int publish_layer(struct unpacking *unpacking, struct pending *pending, struct image *out,
	struct sandbox_error *error)
{
	const struct import_layer *wanted = pending->wanted;
	bool staged = pending->staging.wrapper >= 0;
	int result = staged ? layer_counts_save(pending->staging.wrapper, &pending->counts, error) : 0;

	if (result == 0 && staged)
		result = unpack_publish(unpacking, &pending->tree, &pending->staging, &pending->lease, error);
	if (result == 0)
		image_record_add_layer(&out->record, &wanted->diff, &pending->tree, pending->opaque);
	return result;
}

int unpack_layers(struct unpacking *unpacking, struct image *out, struct sandbox_error *error)
{
	auto_finish(pending_list_finish) struct pending_list list = {.unpacking = unpacking};
	struct import_counts used = {0};
	int result;

	if (unpacking->image.layer_count == 0) {
		(void)error_set(error, 0, "the image has no layers");
		return error_cause(error, SANDBOX_E_ARCHIVE_FORMAT, "it holds no files");
	}
	result = stage_layers(unpacking, &list, &used, error);
	for (size_t i = 0; i < list.count && result == 0; i++)
		result = publish_layer(unpacking, &list.items[i], out, error);
	/* All are leased by now, and nobody can take one away in between. */
	if (result == 0)
		result = image_lease_layers(unpacking->store, out, unpacking->request->map, true, error);
	used.archive_bytes = unpacking->result.counts.archive_bytes;
	used.stream_bytes += unpacking->result.counts.stream_bytes;
	unpacking->result.counts = used;
	return result;
}
