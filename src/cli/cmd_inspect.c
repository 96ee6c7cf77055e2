/* sandbox inspect SANDBOX… */
#include <sandbox/image.h>
#include <sandbox/life.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/json.h"
#include "base/scope.h"
#include "cli/command.h"
#include "cli/output.h"
#include "cli/template.h"

struct inspect_options {
	char *format;
};

static const struct option_entry inspect_table[] = {
	{OPTION_TEXT, "format", 'f', "FORMAT", "only these values: '{{.State.Status}}', '{{json .Config.Labels}}'",
		offsetof(struct inspect_options, format)},
	{OPTION_ABSENT, "type", .help = "leave it out: sandboxes alone are meant; `sandbox image inspect` shows images"},
	{OPTION_ABSENT, "size", 's', .help = "leave it out: `sandbox diff` lists what one has written"},
	{OPTION_END},
};

static void inspect_options_finish(struct inspect_options *options)
{
	free(options->format);
}

static int look(const struct sandbox_locations *locations, const char *reference, struct json_object **out,
	struct sandbox_error *error)
{
	auto_free char *text = NULL;
	int result = sandbox_inspect(locations, reference, &text, error);

	return result < 0 ? result : json_parse(text, strlen(text), reference, out, error);
}

/* docker inspect shows images, too. */
static void propose_image(const struct sandbox_locations *locations, const char *reference, struct sandbox_error *error)
{
	auto_finish(sandbox_image_finish) struct sandbox_image image = {.source = NULL};

	if (error->id == SANDBOX_E_SANDBOX_UNKNOWN && sandbox_image_find(locations, reference, &image, NULL) == 0)
		(void)error_fix(error, "for the image of that name: sandbox image inspect %s", reference);
}

/* Prints a line for it, or moves it to the array. */
static int show(const char *format, struct json_object **found, struct json_object *array, struct sandbox_error *error)
{
	auto_free char *line = NULL;
	int result;

	if (!format) {
		json_append(array, take_ptr(*found));
		return 0;
	}
	result = template_fill(format, *found, &line, error);
	if (result == 0)
		printf("%s\n", line);
	return result;
}

static int inspect_all(const struct cli *cli, const char *format, int count, char **references)
{
	const struct sandbox_locations locations = {cli->store, cli->state, cli->runtime};
	struct json_object *array = json_new_array();
	int status = 0;

	for (int i = 0; i < count; i++) {
		auto_finish(json_free) struct json_object *found = NULL;
		struct sandbox_error error = {0};
		int result = look(&locations, references[i], &found, &error);

		if (result == 0)
			result = show(format, &found, array, &error);
		if (result < 0) {
			propose_image(&locations, references[i], &error);
			status = output_error(&error);
		}
	}
	if (format)
		json_free(&array);
	else
		output_json(array);
	return status;
}

static int run_inspect(const struct cli *cli, int argc, char **argv)
{
	auto_finish(inspect_options_finish) struct inspect_options options = {0};
	struct sandbox_error error = {0};
	int operands;
	bool done;

	if (command_parse(&command_inspect, &options, argc, argv, 1, -1, &operands, &done, &error) < 0)
		return output_error(&error);
	return done ? 0 : inspect_all(cli, options.format, argc - operands, argv + operands);
}

const struct command command_inspect = {
	.name = "inspect",
	.operands = "SANDBOX...",
	.summary = "show all that is known of sandboxes, as JSON",
	.example = "sandbox inspect -f '{{.State.ExitCode}}' box",
	.options = inspect_table,
	.run = run_inspect,
};
