/* sandbox history IMAGE */
#include <sandbox/image.h>

#include "base/json.h"
#include "base/memory.h"
#include "base/scope.h"
#include "base/text.h"
#include "cli/command.h"
#include "cli/output.h"

enum { COMMAND_SHOWN = 60 };

struct history_options {
	bool json;
	bool whole;
};

static const struct option_entry history_table[] = {
	{OPTION_FLAG, "json", 0, NULL, "everything, as JSON", offsetof(struct history_options, json)},
	{OPTION_FLAG, "no-trunc", 0, NULL, "commands as a whole", offsetof(struct history_options, whole)},
	{OPTION_END},
};

struct steps {
	struct sandbox_history *items;
	size_t count;
};

static void steps_finish(struct steps *steps)
{
	sandbox_image_history_free(steps->items, steps->count);
}

/* On one line, and not longer than wanted. The caller frees. */
static char *shorten(const char *text, bool whole)
{
	char *line = memory_text(text);

	for (char *byte = line; *byte; byte++)
		if (*byte == '\n' || *byte == '\t')
			*byte = ' ';
	return whole ? line : text_shorten(line, COMMAND_SHOWN);
}

/* The latest step first, as docker(1) shows it. */
static void print_table(const struct steps *steps, bool whole)
{
	static const char *const headings[] = {"CREATED", "SIZE", "CREATED BY", "COMMENT"};
	auto_finish(output_table_finish) struct output_table table = {0};

	output_table_start(&table, array_count(headings), headings);
	for (size_t i = steps->count; i-- > 0;) {
		const struct sandbox_history *step = &steps->items[i];
		auto_free char *command = shorten(step->created_by, whole), *comment = shorten(step->comment, whole);
		char size[24];

		output_table_cell(&table, *step->created ? step->created : "-");
		output_table_cell(&table, step->has_layer ? text_format_size(step->size, size, sizeof(size)) : "-");
		output_table_cell(&table, *command ? command : "-");
		output_table_cell(&table, comment);
	}
	output_table_print(&table);
}

static void print_json(const struct steps *steps)
{
	struct json_object *array = json_new_array();

	for (size_t i = steps->count; i-- > 0;) {
		struct json_object *object = json_new_object();

		json_add_string(object, "created", steps->items[i].created);
		json_add_string(object, "created_by", steps->items[i].created_by);
		json_add_string(object, "comment", steps->items[i].comment);
		json_add_boolean(object, "layer", steps->items[i].has_layer);
		json_add_unsigned(object, "size", steps->items[i].size);
		json_append(array, object);
	}
	output_json(array);
}

static int run_history(const struct cli *cli, int argc, char **argv)
{
	const struct sandbox_locations locations = {cli->store, cli->state, cli->runtime};
	auto_finish(steps_finish) struct steps steps = {.items = NULL};
	struct history_options options = {0};
	struct sandbox_error error = {0};
	int operands;
	bool done;

	if (command_parse(&command_history, &options, argc, argv, 1, 1, &operands, &done, &error) < 0)
		return output_error(&error);
	if (done)
		return 0;
	if (sandbox_image_history(&locations, argv[operands], &steps.items, &steps.count, &error) < 0)
		return output_error(&error);
	if (options.json)
		print_json(&steps);
	else
		print_table(&steps, options.whole);
	return 0;
}

const struct command command_history = {
	.name = "history",
	.operands = "IMAGE",
	.summary = "the steps that an image was made in, the last one first",
	.options = history_table,
	.run = run_history,
};
