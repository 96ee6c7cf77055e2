/* sandbox export SANDBOX */
#include <sandbox/files.h>
#include <stdlib.h>

#include "base/scope.h"
#include "cli/command.h"
#include "cli/output.h"
#include "cli/output_file.h"

struct export_options {
	char *output;
};

static const struct option_entry export_table[] = {
	{OPTION_TEXT, "output", 'o', "FILE", "write to a file (default: standard output)",
		offsetof(struct export_options, output)},
	{OPTION_END},
};

static void export_options_finish(struct export_options *options)
{
	free(options->output);
}

static int run_export(const struct cli *cli, int argc, char **argv)
{
	const struct sandbox_locations locations = {cli->store, cli->state, cli->runtime};
	auto_finish(export_options_finish) struct export_options options = {.output = NULL};
	auto_finish(new_file_finish) struct new_file file = NEW_FILE_INIT;
	struct sandbox_error error = {0};
	int operands, result;
	bool done;

	if (command_parse(&command_export, &options, argc, argv, 1, 1, &operands, &done, &error) < 0)
		return output_error(&error);
	if (done)
		return 0;
	result = output_file_open(options.output, &file, &error);
	if (result == 0)
		result = sandbox_export(&locations, argv[operands], file.fd, &error);
	if (result == 0)
		result = new_file_publish(&file, &error);
	return result < 0 ? output_error(&error) : 0;
}

const struct command command_export = {
	.name = "export",
	.operands = "SANDBOX",
	.summary = "write the root file system of a sandbox to a tar archive",
	.example = "sandbox export -o job.tar job",
	.options = export_table,
	.run = run_export,
};
