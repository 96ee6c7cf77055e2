/* sandbox load */
#include <sandbox/image.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/scope.h"
#include "cli/command.h"
#include "cli/import_limit_options.h"
#include "cli/import_progress.h"
#include "cli/output.h"

struct load_options {
	char *input;
	char *userns;
	char *platform;
	struct sandbox_import_limits limits;
};

#define LOAD_LIMIT(field) offsetof(struct load_options, limits.field)

static const struct option_entry load_table[] = {
	{OPTION_TEXT, "input", 'i', "FILE", "read this archive; without, standard input", offsetof(struct load_options, input)},
	{OPTION_TEXT, "userns", 0, "MODE", "whose ids the files get, as for run", offsetof(struct load_options, userns)},
	{OPTION_TEXT, "platform", 0, "OS/ARCH[/VARIANT]",
		"another machine's images, of an archive for several (default: this machine's)",
		offsetof(struct load_options, platform)},
	{OPTION_HEADING, .help = "Limits, against archives that are made to fill the disk"},
	IMPORT_LIMIT_OPTIONS(LOAD_LIMIT),
	{OPTION_ABSENT, "quiet", 'q', .help = "say it before the command: sandbox -q load"},
	{OPTION_END},
};

static void load_options_finish(struct load_options *options)
{
	free(options->input);
	free(options->userns);
	free(options->platform);
}

/* In Docker's words, which scripts look for. */
static void print_loaded(const struct sandbox_images *images)
{
	for (size_t i = 0; i < images->count; i++) {
		const struct sandbox_image *image = &images->items[i];

		for (size_t j = 0; j < image->names.count; j++)
			printf("Loaded image: %s\n", image->names.items[j]);
		if (!image->names.count)
			printf("Loaded image ID: sha256:%s\n", image->digest);
	}
}

static int refuse_terminal(struct sandbox_error *error)
{
	(void)error_set(error, 0, "load: standard input is a terminal");
	(void)error_cause(error, SANDBOX_E_USAGE, "no archive comes from there");
	(void)error_fix(error, "name the archive: sandbox load --input FILE");
	return -EINVAL;
}

static int run_load(const struct cli *cli, int argc, char **argv)
{
	const struct sandbox_locations locations = {cli->store, cli->state, cli->runtime};
	auto_finish(load_options_finish) struct load_options options = {.limits = cli->import_limits};
	auto_finish(sandbox_images_finish) struct sandbox_images images = {.items = NULL};
	struct sandbox_import_options wanted;
	struct sandbox_error error = {0};
	int operands;
	bool done;

	if (command_parse(&command_load, &options, argc, argv, 0, 0, &operands, &done, &error) < 0)
		return output_error(&error);
	if (done)
		return 0;
	if (!options.input && isatty(STDIN_FILENO)) {
		(void)refuse_terminal(&error);
		return output_error(&error);
	}
	wanted = (struct sandbox_import_options){
		.userns = options.userns, .platform = options.platform, .limits = options.limits};
	if (sandbox_image_load(&locations, options.input, &wanted, &import_progress, &images, &error) < 0)
		return output_error(&error);
	print_loaded(&images);
	return 0;
}

const struct command command_load = {
	.name = "load",
	.operands = "",
	.summary = "import all images of an archive, with their names",
	.example = "sandbox load -i images.tar",
	.options = load_table,
	.run = run_load,
};
