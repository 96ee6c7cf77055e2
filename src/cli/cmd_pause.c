/* sandbox pause, sandbox unpause, sandbox update: what a control group can do to a running sandbox. */
#include <sandbox/steer.h>
#include <stddef.h>

#include "base/scope.h"
#include "cli/command.h"
#include "cli/limit_options.h"
#include "cli/output.h"
#include "cli/sandboxes.h"

static int pause_one(const struct sandbox_locations *locations, const char *reference, void *context,
	struct sandbox_error *error)
{
	(void)context;
	return sandbox_pause(locations, reference, true, error);
}

static int unpause_one(const struct sandbox_locations *locations, const char *reference, void *context,
	struct sandbox_error *error)
{
	(void)context;
	return sandbox_pause(locations, reference, false, error);
}

static int run_each(const struct command *command, sandboxes_action *act, const struct cli *cli, int argc, char **argv)
{
	struct sandbox_error error = {0};
	int operands;
	bool done;

	if (command_parse(command, NULL, argc, argv, 1, -1, &operands, &done, &error) < 0)
		return output_error(&error);
	return done ? 0 : sandboxes_each(cli, argc, argv, operands, act, NULL);
}

static int run_pause(const struct cli *cli, int argc, char **argv)
{
	return run_each(&command_pause, pause_one, cli, argc, argv);
}

static int run_unpause(const struct cli *cli, int argc, char **argv)
{
	return run_each(&command_unpause, unpause_one, cli, argc, argv);
}

/* ---- limits ---- */

struct update_options {
	struct sandbox_spec spec;
};

#define OFFSET(field) offsetof(struct update_options, spec.limits.field)

static const struct option_entry update_table[] = {
	LIMIT_OPTIONS(OFFSET),
	{OPTION_ABSENT, "restart", .help = "run it in a loop of the shell, or as a unit of systemd --user"},
	{OPTION_GIVEN, .offset = offsetof(struct update_options, spec.given)},
	{OPTION_END},
};

static void update_options_finish(struct update_options *options)
{
	sandbox_spec_finish(&options->spec);
}

static int update_one(const struct sandbox_locations *locations, const char *reference, void *context,
	struct sandbox_error *error)
{
	const struct update_options *options = context;

	return sandbox_update(locations, reference, &options->spec.limits, error);
}

static int refuse_nothing(struct sandbox_error *error)
{
	error_set(error, 0, "nothing is to be changed");
	error_cause(error, SANDBOX_E_USAGE, "no limit was given");
	return error_fix(error, "give one, such as --memory 1g; see `sandbox update --help`");
}

static int run_update(const struct cli *cli, int argc, char **argv)
{
	auto_finish(update_options_finish) struct update_options options = {0};
	struct sandbox_error error = {0};
	int operands, result;
	bool done;

	result = command_parse(&command_update, &options, argc, argv, 1, -1, &operands, &done, &error);
	if (result == 0 && !done && !options.spec.given.count)
		result = refuse_nothing(&error);
	if (result < 0)
		return output_error(&error);
	return done ? 0 : sandboxes_each(cli, argc, argv, operands, update_one, &options);
}

const struct command command_pause = {
	.name = "pause",
	.operands = "SANDBOX...",
	.summary = "stop all processes of sandboxes where they are",
	.run = run_pause,
};

const struct command command_unpause = {
	.name = "unpause",
	.operands = "SANDBOX...",
	.summary = "let paused sandboxes go on",
	.run = run_unpause,
};

const struct command command_update = {
	.name = "update",
	.operands = "SANDBOX...",
	.summary = "change the limits of sandboxes that run, and of kept ones",
	.options = update_table,
	.run = run_update,
};
