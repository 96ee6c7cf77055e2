/* sandbox tag IMAGE NAME... */
#include <sandbox/image.h>

#include "cli/command.h"
#include "cli/output.h"

static int run_tag(const struct cli *cli, int argc, char **argv)
{
	const struct sandbox_locations locations = {cli->store, cli->state, cli->runtime};
	struct sandbox_error error = {0};
	int operands;
	bool done;

	if (command_parse(&command_tag, NULL, argc, argv, 2, -1, &operands, &done, &error) < 0)
		return output_error(&error);
	if (done)
		return 0;
	for (int i = operands + 1; i < argc; i++)
		if (sandbox_image_tag(&locations, argv[operands], argv[i], &error) < 0)
			return output_error(&error);
	return 0;
}

const struct command command_tag = {
	.name = "tag",
	.operands = "IMAGE NAME...",
	.summary = "give an image one more name",
	.example = "sandbox tag debian.tar debian:12",
	.run = run_tag,
};
