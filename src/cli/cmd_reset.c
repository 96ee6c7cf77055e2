/* sandbox reset */
#include <sandbox/image.h>

#include "cli/command.h"
#include "cli/output.h"

static int run_reset(const struct cli *cli, int argc, char **argv)
{
	struct sandbox_locations locations = {cli->store, cli->state, cli->runtime};
	struct sandbox_error error = {0};
	int operands;
	bool done;

	if (command_parse(&command_reset, NULL, argc, argv, 0, 0, &operands, &done, &error) < 0)
		return output_error(&error);
	if (done)
		return 0;
	return sandbox_image_reset(&locations, &error) < 0 ? output_error(&error) : 0;
}

const struct command command_reset = {
	.name = "reset",
	.operands = "",
	.summary = "remove the image store, also what subordinate ids own in it",
	.run = run_reset,
};
