/* sandbox rm SANDBOX… */
#include <sandbox/life.h>
#include <stdio.h>

#include "base/scope.h"
#include "cli/command.h"
#include "cli/output.h"
#include "cli/sandboxes.h"

struct rm_options {
	bool force;
	bool all;
};

static const struct option_entry rm_table[] = {
	{OPTION_FLAG, "force", 'f', NULL, "end those that run, first", offsetof(struct rm_options, force)},
	{OPTION_FLAG, "all", 'a', NULL, "all that have ended; with --force, all there are", offsetof(struct rm_options, all)},
	{OPTION_ABSENT, "volumes", 'v', .help = "leave it out: volumes are folders of yours, and stay"},
	{OPTION_END},
};

static int remove_one(const struct sandbox_locations *locations, const char *reference, void *context,
	struct sandbox_error *error)
{
	const struct rm_options *options = context;

	return sandbox_remove(locations, reference, options->force, error);
}

/* One that another command removes at the same time is gone all the same. */
static int remove_all(const struct cli *cli, const struct rm_options *options)
{
	const struct sandbox_locations locations = {cli->store, cli->state, cli->runtime};
	auto_finish(sandbox_entries_finish) struct sandbox_entries entries = {0};
	struct sandbox_error error = {0};
	int status = 0;

	if (sandbox_list(&locations, true, &entries, &error) < 0)
		return output_error(&error);
	for (size_t i = 0; i < entries.count; i++) {
		const struct sandbox_entry *entry = &entries.items[i];

		if (entry->status == SANDBOX_RUNNING && !options->force)
			continue;
		if (sandbox_remove(&locations, entry->id, options->force, &error) == 0)
			printf("%s\n", entry->name ? entry->name : entry->id);
		else if (error.id != SANDBOX_E_SANDBOX_UNKNOWN)
			status = output_error(&error);
	}
	return status;
}

static int refuse_both(struct sandbox_error *error)
{
	error_set(error, 0, "rm --all");
	error_cause(error, SANDBOX_E_USAGE, "sandboxes were named, too");
	error_fix(error, "leave one of them out");
	return output_error(error);
}

static int missing(struct sandbox_error *error)
{
	error_set(error, 0, "rm: SANDBOX is missing");
	error_cause(error, SANDBOX_E_USAGE, "%s", "");
	error_fix(error, "name sandboxes, or --all");
	return output_error(error);
}

static int run_rm(const struct cli *cli, int argc, char **argv)
{
	struct rm_options options = {0};
	struct sandbox_error error = {0};
	int operands;
	bool done;

	if (command_parse(&command_rm, &options, argc, argv, 0, -1, &operands, &done, &error) < 0)
		return output_error(&error);
	if (done)
		return 0;
	if (!options.all && operands == argc)
		return missing(&error);
	if (options.all)
		return operands < argc ? refuse_both(&error) : remove_all(cli, &options);
	return sandboxes_each(cli, argc, argv, operands, remove_one, &options);
}

const struct command command_rm = {
	.name = "rm",
	.operands = "--all | SANDBOX...",
	.summary = "remove sandboxes that have ended: what they wrote, their logs and records",
	.options = rm_table,
	.run = run_rm,
};
