#include "image/image_copy.h"

#include "base/log.h"
#include "base/memory.h"
#include "base/scope.h"
#include "base/strings.h"
#include "image/layer_copy.h"
#include "image/lease.h"

static int have_layer(struct image_store *store, const struct layer_copy *copy, struct image *image, uint64_t *lost,
	struct sandbox_error *error)
{
	struct layer_lease lease;
	char name[LAYER_NAME_SIZE];
	uint64_t lost_here = 0;
	int result;

	layer_name(copy->tree, copy->map, name);
	result = layer_lease(store, name, false, &lease, NULL);
	if (result < 0)
		result = layer_copy(store, copy, &lease, &lost_here, error);
	if (result < 0)
		return result;
	*lost += lost_here;
	image_add_layer(image, name, &lease);
	return 0;
}

int image_copy(struct image_store *store, const char *digest, const struct image_request *request,
	const struct interrupt *interrupt, struct image *out, struct sandbox_error *error)
{
	auto_finish(image_finish) struct image image = {0};
	struct layer_copy copy = {.map = request->map, .interrupt = interrupt, .progress = request->progress};
	uint64_t lost = 0;
	int result = image_record_load(store->root, digest, &image.record, error);

	if (result == 0 && request->before_import)
		result = request->before_import(request->context, error);
	copy.size = image.record.counts.apparent_bytes;
	for (size_t i = 0; result == 0 && i < image.record.layer_count; i++) {
		copy.tree = &image.record.layers[i].tree;
		if (image_shows_layer(&image.record, i))
			result = have_layer(store, &copy, &image, &lost, error);
	}
	if (result < 0)
		return result;
	log_debug("made the files of %s for other ids", digest);
	if (lost)
		strings_take(&image.notices, memory_format("%llu owners and capabilities were left out: there is no room to "
			"record them, or they are of another root", (unsigned long long)lost));
	image.imported = true;
	*out = image;
	image = (struct image){0};
	return 0;
}
