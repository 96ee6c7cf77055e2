/* sandbox start, sandbox rename: kept sandboxes. */
#include <sandbox/life.h>
#include <stddef.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/scope.h"
#include "cli/command.h"
#include "cli/inherited.h"
#include "cli/output.h"
#include "cli/sandboxes.h"

struct start_options {
	bool attach;
	bool interactive;
	char *status_fd;
};

static const struct option_entry start_table[] = {
	{OPTION_FLAG, "attach", 'a', NULL, "stay with it until it ends, with what it writes and its exit status",
		offsetof(struct start_options, attach)},
	{OPTION_FLAG, "interactive", 'i', NULL, "the same, and pass standard input on",
		offsetof(struct start_options, interactive)},
	{OPTION_TEXT, "status-fd", 0, "N", "tell descriptor N when it starts and how it ends, as JSON",
		offsetof(struct start_options, status_fd)},
	{OPTION_END},
};

static void start_options_finish(struct start_options *options)
{
	free(options->status_fd);
}

static int start_one(const struct sandbox_locations *locations, const char *reference, void *context,
	struct sandbox_error *error)
{
	const struct start_options *typed = context;
	const struct sandbox_start_options options = {.status_fd = typed->status_fd};

	return sandbox_start(locations, reference, &options, NULL, error);
}

static int start_attached(const struct cli *cli, const char *reference, const struct start_options *typed,
	struct sandbox_error *error)
{
	const struct sandbox_locations locations = {cli->store, cli->state, cli->runtime};
	const struct sandbox_start_options options = {.attach = true, .interactive = typed->interactive,
		.status_fd = typed->status_fd};
	struct sandbox_result result = {.cause = SANDBOX_CAUSE_EXIT};

	if (sandbox_start(&locations, reference, &options, &result, error) < 0)
		return output_error(error);
	return sandbox_result_exit_status(&result);
}

static int refuse_several(struct sandbox_error *error)
{
	error_set(error, 0, "start --attach");
	error_cause(error, SANDBOX_E_USAGE, "one sandbox can be stayed with, not several");
	error_fix(error, "name one, or leave --attach and --interactive out");
	return output_error(error);
}

static int run_start(const struct cli *cli, int argc, char **argv)
{
	auto_finish(start_options_finish) struct start_options options = {0};
	struct sandbox_error error = {0};
	int operands;
	bool done;

	if (command_parse(&command_start, &options, argc, argv, 1, -1, &operands, &done, &error) < 0)
		return output_error(&error);
	if (done)
		return 0;
	/* What the caller has open is not the sandbox's. */
	if (inherited_close(STDERR_FILENO + 1, options.status_fd, &error) < 0)
		return output_error(&error);
	if (!options.attach && !options.interactive)
		return sandboxes_each(cli, argc, argv, operands, start_one, &options);
	return argc - operands > 1 ? refuse_several(&error)
				   : start_attached(cli, argv[operands], &options, &error);
}

static int run_rename(const struct cli *cli, int argc, char **argv)
{
	const struct sandbox_locations locations = {cli->store, cli->state, cli->runtime};
	struct sandbox_error error = {0};
	int operands;
	bool done;

	if (command_parse(&command_rename, NULL, argc, argv, 2, 2, &operands, &done, &error) < 0)
		return output_error(&error);
	if (done)
		return 0;
	return sandbox_rename(&locations, argv[operands], argv[operands + 1], &error) < 0 ? output_error(&error) : 0;
}

const struct command command_start = {
	.name = "start",
	.operands = "SANDBOX...",
	.summary = "start kept sandboxes again, on what they have written",
	.example = "sandbox start -ai box",
	.options = start_table,
	.run = run_start,
};

const struct command command_rename = {
	.name = "rename",
	.operands = "SANDBOX NAME",
	.summary = "give a sandbox another name",
	.run = run_rename,
};
