/* sandbox df */
#include <sandbox/image.h>
#include <stdio.h>

#include "base/json.h"
#include "base/scope.h"
#include "base/text.h"
#include "cli/command.h"
#include "cli/output.h"

struct df_options {
	bool json;
};

static const struct option_entry df_table[] = {
	{OPTION_FLAG, "json", 0, NULL, "everything, as JSON", offsetof(struct df_options, json)},
	{OPTION_ABSENT, "verbose", 'v', .help = "use --json, or `sandbox images`"},
	{OPTION_END},
};

static void add_row(struct output_table *table, const char *what, size_t count, uint64_t bytes, const char *how)
{
	char number[24], size[24];

	(void)snprintf(number, sizeof(number), "%zu", count);
	output_table_cell(table, what);
	output_table_cell(table, number);
	output_table_cell(table, text_format_size(bytes, size, sizeof(size)));
	output_table_cell(table, how);
}

static void print_table(const struct sandbox_store_usage *usage)
{
	static const char *const headings[] = {"WHAT", "COUNT", "SIZE", "REMOVED BY"};
	auto_finish(output_table_finish) struct output_table table = {0};
	char size[24];

	output_table_start(&table, array_count(headings), headings);
	add_row(&table, "layers", usage->layers, usage->layer_bytes, "");
	add_row(&table, "images not in use", usage->idle, usage->idle_bytes, "image prune --all");
	add_row(&table, "layers of no image", usage->unneeded, usage->unneeded_bytes, "gc");
	output_table_print(&table);
	printf("\n%zu %s; %zu %s under way; %s free\n", usage->images, text_plural(usage->images, "image", "images"),
		usage->staging, text_plural(usage->staging, "import or removal", "imports or removals"),
		text_format_size(usage->free_bytes, size, sizeof(size)));
}

static void print_json(const struct sandbox_store_usage *usage)
{
	struct json_object *object = json_new_object();

	json_add_unsigned(object, "images", usage->images);
	json_add_unsigned(object, "layers", usage->layers);
	json_add_unsigned(object, "layer_bytes", usage->layer_bytes);
	json_add_unsigned(object, "idle_images", usage->idle);
	json_add_unsigned(object, "idle_bytes", usage->idle_bytes);
	json_add_unsigned(object, "unneeded_layers", usage->unneeded);
	json_add_unsigned(object, "unneeded_bytes", usage->unneeded_bytes);
	json_add_unsigned(object, "staging", usage->staging);
	json_add_unsigned(object, "free_bytes", usage->free_bytes);
	output_json(object);
}

static int run_df(const struct cli *cli, int argc, char **argv)
{
	const struct sandbox_locations locations = {cli->store, cli->state, cli->runtime};
	struct sandbox_store_usage usage;
	struct df_options options = {0};
	struct sandbox_error error = {0};
	int operands;
	bool done;

	if (command_parse(&command_df, &options, argc, argv, 0, 0, &operands, &done, &error) < 0)
		return output_error(&error);
	if (done)
		return 0;
	if (sandbox_image_usage(&locations, &usage, &error) < 0)
		return output_error(&error);
	(options.json ? print_json : print_table)(&usage);
	return 0;
}

const struct command command_df = {
	.name = "df",
	.operands = "",
	.summary = "what the image store takes on the disk",
	.options = df_table,
	.run = run_df,
};
