/* sandbox import FILE */
#include <sandbox/image.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/memory.h"
#include "base/scope.h"
#include "cli/command.h"
#include "cli/import_limit_options.h"
#include "cli/import_progress.h"
#include "cli/output.h"

/* The strings are owned here; the library borrows them. */
struct import_options {
	char *name;
	char *userns;
	char *platform;
	char *select;
	struct sandbox_import_limits limits;
};

#define IMPORT_LIMIT(field) offsetof(struct import_options, limits.field)

static const struct option_entry import_table[] = {
	{OPTION_TEXT, "name", 0, "NAME", "call the image so from now on", offsetof(struct import_options, name)},
	{OPTION_TEXT, "userns", 0, "MODE", "whose ids its files get, as for run",
		offsetof(struct import_options, userns)},
	{OPTION_TEXT, "platform", 0, "OS/ARCH[/VARIANT]",
		"another machine's image, of an archive for several (default: this machine's)",
		offsetof(struct import_options, platform)},
	{OPTION_TEXT, "select", 0, "NAME", "the image of this name, of an archive that holds several",
		offsetof(struct import_options, select)},
	{OPTION_HEADING, .help = "Limits, against archives that are made to fill the disk"},
	IMPORT_LIMIT_OPTIONS(IMPORT_LIMIT),
	{OPTION_END},
};

static void import_options_finish(struct import_options *options)
{
	free(options->name);
	free(options->userns);
	free(options->platform);
	free(options->select);
}

/* As with docker(1), the name may follow the archive. */
static int take_name(const char *name, struct import_options *options, struct sandbox_error *error)
{
	if (options->name) {
		(void)error_set(error, 0, "import: two names, %.64s and %.64s", options->name, name);
		(void)error_cause(error, SANDBOX_E_USAGE, "--name and the word after the archive mean the same");
		return error_fix(error, "leave one out, and give it afterwards: sandbox tag");
	}
	options->name = memory_text(name);
	return 0;
}

static int run_import(const struct cli *cli, int argc, char **argv)
{
	auto_finish(import_options_finish) struct import_options options = {.limits = cli->import_limits};
	struct sandbox_locations locations = {cli->store, cli->state, cli->runtime};
	struct sandbox_import_options wanted;
	char digest[SANDBOX_DIGEST_SIZE];
	struct sandbox_error error = {0};
	int operands;
	bool done;

	if (command_parse(&command_import, &options, argc, argv, 1, 2, &operands, &done, &error) < 0)
		return output_error(&error);
	if (done)
		return 0;
	if (argc - operands == 2 && take_name(argv[operands + 1], &options, &error) < 0)
		return output_error(&error);
	wanted = (struct sandbox_import_options){
		options.name, options.userns, options.platform, options.select, options.limits};
	if (sandbox_image_import(&locations, argv[operands], &wanted, &import_progress, digest, &error) < 0)
		return output_error(&error);
	printf("sha256:%s\n", digest);
	return 0;
}

const struct command command_import = {
	.name = "import",
	.operands = "FILE|- [NAME]",
	.summary = "unpack an archive of a root file system into the image store",
	.example = "sandbox import --name debian debian.tar",
	.options = import_table,
	.run = run_import,
};
