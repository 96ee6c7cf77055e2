/* sandbox images */
#include <sandbox/image.h>
#include <stdio.h>
#include <time.h>

#include "base/json.h"
#include "base/scope.h"
#include "base/text.h"
#include "cli/command.h"
#include "cli/output.h"

enum { DIGEST_SHOWN = 12 };

struct images_options {
	bool json;
	bool quiet;
};

static const struct option_entry images_table[] = {
	{OPTION_FLAG, "json", 0, NULL, "everything, as JSON", offsetof(struct images_options, json)},
	{OPTION_FLAG, "quiet", 'q', NULL, "only the digests", offsetof(struct images_options, quiet)},
	{OPTION_END},
};

static void format_time(int64_t seconds, char *out, size_t size)
{
	time_t moment = (time_t)seconds;
	struct tm local;

	if (!localtime_r(&moment, &local) || !strftime(out, size, "%Y-%m-%d %H:%M", &local))
		(void)snprintf(out, size, "?");
}

static void add_row(struct output_table *table, const struct sandbox_image *image, const char *name)
{
	char digest[DIGEST_SHOWN + 1], size[24], layers[24], entries[24], created[32];

	(void)snprintf(digest, sizeof(digest), "%.*s", DIGEST_SHOWN, image->digest);
	(void)snprintf(layers, sizeof(layers), "%zu", image->layers.count);
	(void)snprintf(entries, sizeof(entries), "%llu", (unsigned long long)image->entries);
	format_time(image->imported, created, sizeof(created));
	output_table_cell(table, name);
	output_table_cell(table, digest);
	output_table_cell(table, text_format_size(image->size, size, sizeof(size)));
	output_table_cell(table, layers);
	output_table_cell(table, entries);
	output_table_cell(table, created);
	output_table_cell(table, image->source);
}

static void print_table(const struct sandbox_images *images)
{
	static const char *const headings[] = {"NAME", "DIGEST", "SIZE", "LAYERS", "ENTRIES", "IMPORTED", "FROM"};
	auto_finish(output_table_finish) struct output_table table = {0};

	output_table_start(&table, array_count(headings), headings);
	for (size_t i = 0; i < images->count; i++) {
		const struct sandbox_image *image = &images->items[i];

		if (!image->names.count)
			add_row(&table, image, "-");
		for (size_t j = 0; j < image->names.count; j++)
			add_row(&table, image, image->names.items[j]);
	}
	output_table_print(&table);
}

static struct json_object *describe(const struct sandbox_image *image)
{
	struct json_object *object = json_new_object();

	json_add_strings(object, "names", &image->names);
	json_add_string(object, "digest", image->digest);
	json_add_strings(object, "layers", &image->layers);
	json_add_string(object, "platform", image->platform);
	json_add_string(object, "source", image->source);
	json_add_string(object, "compression", image->compression);
	json_add_unsigned(object, "imported", image->imported < 0 ? 0 : (uint64_t)image->imported);
	json_add_unsigned(object, "archive_bytes", image->archive_bytes);
	json_add_unsigned(object, "size", image->size);
	json_add_unsigned(object, "entries", image->entries);
	json_add_unsigned(object, "devices_skipped", image->devices_skipped);
	json_add_unsigned(object, "attributes_dropped", image->attributes_dropped);
	json_add_unsigned(object, "owners_dropped", image->owners_dropped);
	return object;
}

static void print_json(const struct sandbox_images *images)
{
	struct json_object *array = json_new_array();

	for (size_t i = 0; i < images->count; i++)
		json_append(array, describe(&images->items[i]));
	output_json(array);
}

static void print_digests(const struct sandbox_images *images)
{
	for (size_t i = 0; i < images->count; i++)
		printf("sha256:%s\n", images->items[i].digest);
}

static int run_images(const struct cli *cli, int argc, char **argv)
{
	struct sandbox_locations locations = {cli->store, cli->state, cli->runtime};
	auto_finish(sandbox_images_finish) struct sandbox_images images = {0};
	struct images_options options = {0};
	struct sandbox_error error = {0};
	int operands;
	bool done;

	if (command_parse(&command_images, &options, argc, argv, 0, 0, &operands, &done, &error) < 0)
		return output_error(&error);
	if (done)
		return 0;
	if (sandbox_image_list(&locations, &images, &error) < 0)
		return output_error(&error);
	(options.json ? print_json : options.quiet ? print_digests : print_table)(&images);
	return 0;
}

const struct command command_images = {
	.name = "images",
	.operands = "",
	.summary = "list the images in the store",
	.options = images_table,
	.run = run_images,
};
