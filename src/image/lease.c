#include "image/lease.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/memory.h"
#include "base/strings.h"

void image_finish(struct image *image)
{
	for (size_t i = 0; i < image->lease_count; i++)
		(void)close(image->leases[i]);
	free(image->leases);
	image_record_finish(&image->record);
	sandbox_strings_finish(&image->layers);
	sandbox_strings_finish(&image->notices);
	*image = (struct image){0};
}

void image_add_layer(struct image *image, const char *name, const struct layer_lease *lease)
{
	strings_take(&image->layers, memory_format("%s/root", name));
	image->leases = memory_resize(image->leases, image->lease_count + 1, sizeof(*image->leases));
	image->durable = (image->lease_count == 0 || image->durable) && lease->durable;
	image->leases[image->lease_count++] = lease->wrapper;
}

void image_be_folder(struct image *image, int folder)
{
	sandbox_strings_add(&image->layers, ".");
	image->leases = memory_zeroed(1, sizeof(*image->leases));
	image->leases[image->lease_count++] = folder;
	image->folder = image->durable = true;
}

int image_directory(const struct image_store *store, const struct image *image)
{
	return image->folder ? image->leases[0] : store->layers;
}

static size_t first_visible(const struct image_record *record)
{
	size_t first = record->layer_count;

	while (first > 0 && !record->layers[--first].opaque)
		;
	return first;
}

/*
 * Whether a layer higher up is the same: then this one shows nothing that the other does not, and overlay takes no
 * directory twice.
 */
static bool comes_again(const struct image_record *record, size_t layer)
{
	for (size_t i = layer + 1; i < record->layer_count; i++)
		if (strcmp(record->layers[i].tree.hex, record->layers[layer].tree.hex) == 0)
			return true;
	return false;
}

bool image_shows_layer(const struct image_record *record, size_t layer)
{
	return layer >= first_visible(record) && !comes_again(record, layer);
}

int image_lease_layers(struct image_store *store, struct image *image, const struct idmap *map, bool wait,
	struct sandbox_error *error)
{
	for (size_t i = 0; i < image->record.layer_count; i++) {
		char name[LAYER_NAME_SIZE];
		struct layer_lease lease;
		int result;

		if (!image_shows_layer(&image->record, i))
			continue;
		layer_name(&image->record.layers[i].tree, map, name);
		result = layer_lease(store, name, wait, &lease, error);
		if (result < 0)
			return result;
		image_add_layer(image, name, &lease);
	}
	return 0;
}

int image_make_durable(struct image_store *store, struct image *image, struct sandbox_error *error)
{
	int result = layers_make_durable(image->leases, image->lease_count, error);

	(void)store;
	image->durable = result == 0;
	return result;
}
