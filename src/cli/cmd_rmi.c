/* sandbox rmi IMAGE… */
#include <sandbox/image.h>
#include <stddef.h>

#include "base/log.h"
#include "cli/command.h"
#include "cli/output.h"

struct rmi_options {
	bool force;
};

static const struct option_entry rmi_table[] = {
	{OPTION_FLAG, "force", 'f', NULL, "all names at once, also a damaged image, or none at all",
		offsetof(struct rmi_options, force)},
	{OPTION_END},
};

/* One that cannot be removed does not keep the others. */
static int run_rmi(const struct cli *cli, int argc, char **argv)
{
	struct sandbox_locations locations = {cli->store, cli->state, cli->runtime};
	struct rmi_options options = {0};
	struct sandbox_error error = {0};
	int operands, status = 0;
	bool done;

	if (command_parse(&command_rmi, &options, argc, argv, 1, -1, &operands, &done, &error) < 0)
		return output_error(&error);
	if (done)
		return 0;
	for (int i = operands; i < argc; i++) {
		bool removed;

		if (sandbox_image_remove(&locations, argv[i], options.force, &removed, &error) < 0)
			status = output_error(&error);
		else
			log_debug(removed ? "removed the image %s" : "removed the name %s", argv[i]);
	}
	return status;
}

const struct command command_rmi = {
	.name = "rmi",
	.operands = "IMAGE...",
	.summary = "remove images, by name or digest",
	.options = rmi_table,
	.run = run_rmi,
};
