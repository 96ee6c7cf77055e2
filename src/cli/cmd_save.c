/* sandbox save IMAGE… */
#include <sandbox/image.h>
#include <stdlib.h>

#include "base/scope.h"
#include "cli/command.h"
#include "cli/output.h"
#include "cli/output_file.h"

struct save_options {
	char *output;
	int format; /* enum sandbox_save_format */
};

static const char *const formats[] = {"docker-archive", "oci-archive", NULL};

static const struct option_entry save_table[] = {
	{OPTION_TEXT, "output", 'o', "FILE", "write to a file (default: standard output)", offsetof(struct save_options, output)},
	{OPTION_CHOICE, "format", 0, "FORMAT", "docker-archive, which is what docker save writes, or oci-archive",
		offsetof(struct save_options, format), .choices = formats},
	{OPTION_END},
};

static void save_options_finish(struct save_options *options)
{
	free(options->output);
}

static int run_save(const struct cli *cli, int argc, char **argv)
{
	const struct sandbox_locations locations = {cli->store, cli->state, cli->runtime};
	auto_finish(save_options_finish) struct save_options options = {.output = NULL};
	auto_finish(new_file_finish) struct new_file file = NEW_FILE_INIT;
	struct sandbox_error error = {0};
	int operands, result;
	bool done;

	if (command_parse(&command_save, &options, argc, argv, 1, -1, &operands, &done, &error) < 0)
		return output_error(&error);
	if (done)
		return 0;
	result = output_file_open(options.output, &file, &error);
	if (result == 0)
		result = sandbox_image_save(&locations, (const char *const *)argv + operands, (size_t)(argc - operands),
			(enum sandbox_save_format)options.format, file.fd, NULL, &error);
	if (result == 0)
		result = new_file_publish(&file, &error);
	return result < 0 ? output_error(&error) : 0;
}

const struct command command_save = {
	.name = "save",
	.operands = "IMAGE...",
	.summary = "write images to an archive that docker, podman and skopeo load",
	.example = "sandbox save -o debian.tar debian",
	.options = save_table,
	.run = run_save,
};
