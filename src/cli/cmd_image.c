/* sandbox image COMMAND: what is only about images, and other tools' words for the rest */
#include <sandbox/image.h>
#include <stdio.h>
#include <string.h>

#include "base/scope.h"
#include "cli/command.h"
#include "cli/image_describe.h"
#include "cli/output.h"
#include "cli/suggest.h"

/* ---- inspect ---- */

static int run_inspect(const struct cli *cli, int argc, char **argv)
{
	const struct sandbox_locations locations = {cli->store, cli->state, cli->runtime};
	struct json_object *array = json_new_array();
	struct sandbox_error error = {0};
	int operands, status = 0;
	bool done;

	if (command_parse(&command_image_inspect, NULL, argc, argv, 1, -1, &operands, &done, &error) < 0)
		status = output_error(&error);
	for (int i = operands; status == 0 && !done && i < argc; i++) {
		auto_finish(sandbox_image_finish) struct sandbox_image image = {.source = NULL};

		if (sandbox_image_find(&locations, argv[i], &image, &error) < 0)
			status = output_error(&error);
		else
			json_append(array, image_describe(&image));
	}
	if (status == 0 && !done)
		output_json(array);
	else
		json_free(&array);
	return status;
}

const struct command command_image_inspect = {
	.name = "image inspect",
	.operands = "IMAGE...",
	.summary = "everything that is known of images, as JSON",
	.run = run_inspect,
};

/* ---- the group ---- */

static const struct subcommand subcommands[] = {
	{"inspect", &command_image_inspect}, {"verify", &command_image_verify}, {"prune", &command_image_prune},
	{"ls", &command_images}, {"rm", &command_rmi}, {"tag", &command_tag}, {"history", &command_history},
	{"import", &command_import}, {"load", &command_load}, {"save", &command_save}, {NULL, NULL},
};

static void print_help(void)
{
	printf("usage: sandbox image COMMAND ...\n\n%s\n\n", command_image.summary);
	for (const struct subcommand *item = subcommands; item->word; item++)
		printf("  %-10s %s\n", item->word, item->command->summary);
	printf("\n`sandbox image COMMAND --help` tells more.\n");
}

static int run_image(const struct cli *cli, int argc, char **argv)
{
	const char *word = argc > 1 ? argv[1] : "";
	struct suggestion suggestion = SUGGESTION_INIT(word);
	struct sandbox_error error = {0};

	if (option_is_help(NULL, word)) {
		print_help();
		return 0;
	}
	for (const struct subcommand *item = subcommands; item->word; item++) {
		if (strcmp(item->word, word) == 0)
			return item->command->run(cli, argc - 1, argv + 1);
		suggestion_consider(&suggestion, item->word);
	}
	error_set(&error, 0, *word ? "unknown command image %.64s" : "image: COMMAND is missing", word);
	error_cause(&error, SANDBOX_E_USAGE, "%s", "");
	if (suggestion.word)
		error_fix(&error, "did you mean `sandbox image %s`?", suggestion.word);
	else
		error_fix(&error, "see `sandbox image --help`");
	return output_error(&error);
}

const struct command command_image = {
	.name = "image",
	.operands = "COMMAND ...",
	.summary = "inspect, verify and prune images",
	.subcommands = subcommands,
	.run = run_image,
};
