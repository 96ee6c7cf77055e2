/* sandbox rmi IMAGE… */
#include <sandbox/image.h>

#include "base/log.h"
#include "cli/command.h"
#include "cli/output.h"

static int run_rmi(const struct cli *cli, int argc, char **argv)
{
	struct sandbox_locations locations = {cli->store, cli->state, cli->runtime};
	struct sandbox_error error = {0};
	int operands;
	bool done;

	if (command_parse(&command_rmi, NULL, argc, argv, 1, -1, &operands, &done, &error) < 0)
		return output_error(&error);
	if (done)
		return 0;
	for (int i = operands; i < argc; i++) {
		bool removed;

		if (sandbox_image_remove(&locations, argv[i], &removed, &error) < 0)
			return output_error(&error);
		log_debug(removed ? "removed the image %s" : "removed the name %s", argv[i]);
	}
	return 0;
}

const struct command command_rmi = {
	.name = "rmi",
	.operands = "IMAGE...",
	.summary = "remove images, by name or digest",
	.run = run_rmi,
};
