/* sandbox images */
#include <sandbox/image.h>
#include <stdio.h>
#include <time.h>

#include "base/scope.h"
#include "base/text.h"
#include "cli/command.h"
#include "cli/image_describe.h"
#include "cli/output.h"

enum { DIGEST_SHOWN = 12 };

struct images_options {
	bool json;
	bool quiet;
	bool whole;
};

static const struct option_entry images_table[] = {
	{OPTION_FLAG, "json", 0, NULL, "everything, as JSON", offsetof(struct images_options, json)},
	{OPTION_FLAG, "quiet", 'q', NULL, "only the digests", offsetof(struct images_options, quiet)},
	{OPTION_FLAG, "no-trunc", 0, NULL, "digests as a whole", offsetof(struct images_options, whole)},
	{OPTION_ABSENT, "all", 'a', .help = "leave it out: all images are listed"},
	{OPTION_ABSENT, "digests", .help = "leave it out: digests are listed, whole ones with --no-trunc"},
	{OPTION_ABSENT, "filter", 'f', .help = "leave it out, and choose from `sandbox images --json`"},
	{OPTION_ABSENT, "format", .help = "use --json, and choose from that"},
	{OPTION_END},
};

static void format_time(int64_t seconds, char *out, size_t size)
{
	time_t moment = (time_t)seconds;
	struct tm local;

	if (!localtime_r(&moment, &local) || !strftime(out, size, "%Y-%m-%d %H:%M", &local))
		(void)snprintf(out, size, "?");
}

static void add_row(struct output_table *table, const struct sandbox_image *image, const char *name, bool whole)
{
	char digest[SANDBOX_DIGEST_SIZE], size[24], layers[24], entries[24], created[32];

	(void)snprintf(digest, sizeof(digest), "%.*s", whole ? SANDBOX_DIGEST_SIZE : DIGEST_SHOWN, image->digest);
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

static void print_table(const struct sandbox_images *images, bool whole)
{
	static const char *const headings[] = {"NAME", "DIGEST", "SIZE", "LAYERS", "ENTRIES", "IMPORTED", "FROM"};
	auto_finish(output_table_finish) struct output_table table = {0};

	output_table_start(&table, array_count(headings), headings);
	for (size_t i = 0; i < images->count; i++) {
		const struct sandbox_image *image = &images->items[i];

		if (!image->names.count)
			add_row(&table, image, "-", whole);
		for (size_t j = 0; j < image->names.count; j++)
			add_row(&table, image, image->names.items[j], whole);
	}
	output_table_print(&table);
}

static void print_json(const struct sandbox_images *images)
{
	struct json_object *array = json_new_array();

	for (size_t i = 0; i < images->count; i++)
		json_append(array, image_describe(&images->items[i]));
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
	if (options.json)
		print_json(&images);
	else if (options.quiet)
		print_digests(&images);
	else
		print_table(&images, options.whole);
	return 0;
}

const struct command command_images = {
	.name = "images",
	.operands = "",
	.summary = "list the images in the store",
	.options = images_table,
	.run = run_images,
};
