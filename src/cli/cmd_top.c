/* sandbox top SANDBOX */
#include <sandbox/life.h>

#include "base/json.h"
#include "base/memory.h"
#include "base/scope.h"
#include "base/text.h"
#include "cli/command.h"
#include "cli/output.h"

struct top_options {
	bool json;
};

static const struct option_entry top_table[] = {
	{OPTION_FLAG, "json", 0, NULL, "everything, as JSON", offsetof(struct top_options, json)},
	{OPTION_END},
};

static void add_number(struct output_table *table, uint64_t number)
{
	auto_free char *text = memory_format("%llu", (unsigned long long)number);

	output_table_cell(table, text);
}

static void add_clock(struct output_table *table, uint64_t seconds)
{
	auto_free char *text = memory_format("%llu:%02llu:%02llu", (unsigned long long)(seconds / 3600),
		(unsigned long long)(seconds / 60 % 60), (unsigned long long)(seconds % 60));

	output_table_cell(table, text);
}

static void add_row(struct output_table *table, const struct sandbox_process *process)
{
	char size[24];

	if (process->has_uid)
		add_number(table, process->uid);
	else
		output_table_cell(table, "?");
	add_number(table, process->pid);
	add_number(table, process->parent);
	add_number(table, process->host_pid);
	output_table_cell(table, (char[]){process->state, '\0'});
	output_table_cell(table, text_format_size(process->memory, size, sizeof(size)));
	add_clock(table, process->processor / 1000);
	add_clock(table, process->age);
	output_table_cell(table, process->command);
}

static void print_table(const struct sandbox_processes *processes)
{
	static const char *const headings[] = {"UID", "PID", "PPID", "HOST PID", "STATE", "MEMORY", "TIME", "AGE", "COMMAND"};
	auto_finish(output_table_finish) struct output_table table = {0};

	output_table_start(&table, array_count(headings), headings);
	for (size_t i = 0; i < processes->count; i++)
		add_row(&table, &processes->items[i]);
	output_table_print(&table);
}

static struct json_object *describe(const struct sandbox_process *process)
{
	struct json_object *object = json_new_object();
	char state[] = {process->state, '\0'};

	if (process->has_uid)
		json_add_unsigned(object, "uid", process->uid);
	json_add_unsigned(object, "pid", process->pid);
	json_add_unsigned(object, "parent", process->parent);
	json_add_unsigned(object, "host_pid", process->host_pid);
	json_add_string(object, "state", state);
	json_add_unsigned(object, "memory", process->memory);
	json_add_unsigned(object, "processor_milliseconds", process->processor);
	json_add_unsigned(object, "age_seconds", process->age);
	json_add_string(object, "command", process->command);
	return object;
}

static void print_json(const struct sandbox_processes *processes)
{
	struct json_object *array = json_new_array();

	for (size_t i = 0; i < processes->count; i++)
		json_append(array, describe(&processes->items[i]));
	output_json(array);
}

static int run_top(const struct cli *cli, int argc, char **argv)
{
	const struct sandbox_locations locations = {cli->store, cli->state, cli->runtime};
	auto_finish(sandbox_processes_finish) struct sandbox_processes processes = {0};
	struct top_options options = {0};
	struct sandbox_error error = {0};
	int operands;
	bool done;

	if (command_parse(&command_top, &options, argc, argv, 1, 1, &operands, &done, &error) < 0)
		return output_error(&error);
	if (done)
		return 0;
	if (sandbox_processes_read(&locations, argv[operands], &processes, &error) < 0)
		return output_error(&error);
	(options.json ? print_json : print_table)(&processes);
	return 0;
}

const struct command command_top = {
	.name = "top",
	.operands = "SANDBOX",
	.summary = "list the processes of a sandbox",
	.options = top_table,
	.run = run_top,
};
