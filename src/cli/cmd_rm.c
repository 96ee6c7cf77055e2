/* sandbox rm SANDBOX… */
#include <sandbox/life.h>

#include "cli/command.h"
#include "cli/output.h"
#include "cli/sandboxes.h"

struct rm_options {
	bool force;
};

static const struct option_entry rm_table[] = {
	{OPTION_FLAG, "force", 'f', NULL, "end those that run, first", offsetof(struct rm_options, force)},
	{OPTION_END},
};

static int remove_one(const struct sandbox_locations *locations, const char *reference, void *context,
	struct sandbox_error *error)
{
	const struct rm_options *options = context;

	return sandbox_remove(locations, reference, options->force, error);
}

static int run_rm(const struct cli *cli, int argc, char **argv)
{
	struct rm_options options = {0};
	struct sandbox_error error = {0};
	int operands;
	bool done;

	if (command_parse(&command_rm, &options, argc, argv, 1, -1, &operands, &done, &error) < 0)
		return output_error(&error);
	return done ? 0 : sandboxes_each(cli, argc, argv, operands, remove_one, &options);
}

const struct command command_rm = {
	.name = "rm",
	.operands = "SANDBOX...",
	.summary = "remove what is left of sandboxes that have ended: their logs and records",
	.options = rm_table,
	.run = run_rm,
};
