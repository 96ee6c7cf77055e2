/* sandbox ps */
#include <sandbox/life.h>
#include <stdio.h>
#include <string.h>

#include "base/json.h"
#include "base/memory.h"
#include "base/scope.h"
#include "cli/command.h"
#include "cli/output.h"
#include "cli/sandboxes.h"

enum { COMMAND_SHOWN = 24 };

struct ps_options {
	bool all;
	bool json;
	bool quiet;
};

static const struct option_entry ps_table[] = {
	{OPTION_FLAG, "all", 'a', NULL, "those that have ended, too", offsetof(struct ps_options, all)},
	{OPTION_FLAG, "json", 0, NULL, "everything, as JSON", offsetof(struct ps_options, json)},
	{OPTION_FLAG, "quiet", 'q', NULL, "only the ids", offsetof(struct ps_options, quiet)},
	{OPTION_END},
};

/* Its beginning, as one line. The caller frees. */
static char *command_line(const struct sandbox_entry *entry)
{
	char *line = memory_text(entry->command.count ? entry->command.items[0] : "(the image's)");

	for (size_t i = 1; i < entry->command.count; i++)
		memory_append(&line, " %s", entry->command.items[i]);
	if (strlen(line) > COMMAND_SHOWN)
		memcpy(line + COMMAND_SHOWN - 3, "...", 4);
	return line;
}

static void add_row(struct output_table *table, const struct sandbox_entry *entry)
{
	auto_free char *command = command_line(entry), *age = sandboxes_age(entry->created);
	auto_free char *created = memory_format("%s ago", age), *status = sandboxes_status(entry);
	const char *image = strrchr(entry->image, '/');

	output_table_cell(table, entry->id);
	output_table_cell(table, image && image[1] ? image + 1 : entry->image);
	output_table_cell(table, command);
	output_table_cell(table, created);
	output_table_cell(table, status);
	output_table_cell(table, entry->name ? entry->name : "-");
}

static void print_table(const struct sandbox_entries *entries)
{
	static const char *const headings[] = {"ID", "IMAGE", "COMMAND", "CREATED", "STATUS", "NAME"};
	auto_finish(output_table_finish) struct output_table table = {0};

	output_table_start(&table, array_count(headings), headings);
	for (size_t i = 0; i < entries->count; i++)
		add_row(&table, &entries->items[i]);
	output_table_print(&table);
}

static struct json_object *describe(const struct sandbox_entry *entry)
{
	struct json_object *object = json_new_object();

	json_add_string(object, "id", entry->id);
	json_add_string(object, "name", entry->name);
	json_add_string(object, "image", entry->image);
	json_add_string(object, "digest", entry->digest);
	json_add_strings(object, "command", &entry->command);
	json_add_string(object, "status", sandboxes_status_word(entry->status));
	json_add_unsigned(object, "created", (uint64_t)entry->created);
	if (entry->status == SANDBOX_EXITED) {
		json_add_unsigned(object, "ended", (uint64_t)entry->ended);
		json_add_unsigned(object, "exit_status", (uint64_t)sandbox_result_exit_status(&entry->result));
	}
	return object;
}

static void print_json(const struct sandbox_entries *entries)
{
	struct json_object *array = json_new_array();

	for (size_t i = 0; i < entries->count; i++)
		json_append(array, describe(&entries->items[i]));
	output_json(array);
}

static void print_ids(const struct sandbox_entries *entries)
{
	for (size_t i = 0; i < entries->count; i++)
		printf("%s\n", entries->items[i].id);
}

static int run_ps(const struct cli *cli, int argc, char **argv)
{
	const struct sandbox_locations locations = {cli->store, cli->state, cli->runtime};
	auto_finish(sandbox_entries_finish) struct sandbox_entries entries = {0};
	struct ps_options options = {0};
	struct sandbox_error error = {0};
	int operands;
	bool done;

	if (command_parse(&command_ps, &options, argc, argv, 0, 0, &operands, &done, &error) < 0)
		return output_error(&error);
	if (done)
		return 0;
	if (sandbox_list(&locations, options.all, &entries, &error) < 0)
		return output_error(&error);
	(options.json ? print_json : options.quiet ? print_ids : print_table)(&entries);
	return 0;
}

const struct command command_ps = {
	.name = "ps",
	.operands = "",
	.summary = "list the sandboxes that have a name or were detached",
	.options = ps_table,
	.run = run_ps,
};
