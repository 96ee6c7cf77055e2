/* sandbox diff SANDBOX */
#include <sandbox/files.h>
#include <stdio.h>

#include "base/json.h"
#include "base/scope.h"
#include "base/text.h"
#include "cli/command.h"
#include "cli/output.h"

struct diff_options {
	bool json;
};

static const struct option_entry diff_table[] = {
	{OPTION_FLAG, "json", 0, NULL, "print them as JSON", offsetof(struct diff_options, json)},
	{OPTION_END},
};

/* As docker diff has them. */
static const char *const kinds[] = {
	[SANDBOX_FILE_ADDED] = "A", [SANDBOX_FILE_CHANGED] = "C", [SANDBOX_FILE_DELETED] = "D"};

static int print_change(void *context, enum sandbox_change change, const char *path)
{
	auto_free char *shown = text_escape(path);

	(void)context;
	(void)printf("%s %s\n", kinds[change], shown);
	return 0;
}

static int add_change(void *context, enum sandbox_change change, const char *path)
{
	struct json_object *object = json_new_object();

	json_add_string(object, "kind", kinds[change]);
	json_add_string(object, "path", path);
	json_append(context, object);
	return 0;
}

static int run_diff(const struct cli *cli, int argc, char **argv)
{
	const struct sandbox_locations locations = {cli->store, cli->state, cli->runtime};
	struct diff_options options = {.json = false};
	struct json_object *array;
	struct sandbox_error error = {0};
	int operands, result;
	bool done;

	if (command_parse(&command_diff, &options, argc, argv, 1, 1, &operands, &done, &error) < 0)
		return output_error(&error);
	if (done)
		return 0;
	if (!options.json)
		return sandbox_diff(&locations, argv[operands], print_change, NULL, &error) < 0 ? output_error(&error) : 0;
	array = json_new_array();
	result = sandbox_diff(&locations, argv[operands], add_change, array, &error);
	if (result == 0)
		output_json(array);
	else
		json_free(&array);
	return result < 0 ? output_error(&error) : 0;
}

const struct command command_diff = {
	.name = "diff",
	.operands = "SANDBOX",
	.summary = "list what a sandbox has added, changed and deleted",
	.options = diff_table,
	.run = run_diff,
};
