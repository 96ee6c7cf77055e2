/* sandbox stop, sandbox restart, sandbox kill: ending sandboxes. */
#include <sandbox/life.h>
#include <signal.h>
#include <stdlib.h>

#include "base/scope.h"
#include "cli/command.h"
#include "cli/output.h"
#include "cli/sandboxes.h"

struct stop_options {
	bool all;
	char *signal;
	uint64_t time; /* milliseconds */
	int number;
};

static const struct option_entry stop_table[] = {
	{OPTION_FLAG, "all", 'a', NULL, "all that run", offsetof(struct stop_options, all)},
	{OPTION_TEXT, "signal", 's', "SIGNAL", "what it is sent first (its --stop-signal, else TERM)",
		offsetof(struct stop_options, signal)},
	{OPTION_DURATION, "time", 't', "DURATION", "how long it is given before KILL (its --stop-timeout, else 10s)",
		offsetof(struct stop_options, time)},
	{OPTION_ALIAS, "timeout", .argument = "time", .help = "the same as --time"},
	{OPTION_END},
};

static const struct option_entry kill_table[] = {
	{OPTION_FLAG, "all", 'a', NULL, "all that run", offsetof(struct stop_options, all)},
	{OPTION_TEXT, "signal", 's', "SIGNAL", "what its command is sent (KILL)", offsetof(struct stop_options, signal)},
	{OPTION_END},
};

static void stop_options_finish(struct stop_options *options)
{
	free(options->signal);
}

static int stop_one(const struct sandbox_locations *locations, const char *reference, void *context,
	struct sandbox_error *error)
{
	const struct stop_options *options = context;

	return sandbox_stop(locations, reference, options->number, options->time, error);
}

static int kill_one(const struct sandbox_locations *locations, const char *reference, void *context,
	struct sandbox_error *error)
{
	const struct stop_options *options = context;

	return sandbox_signal(locations, reference, options->number, error);
}

static int restart_one(const struct sandbox_locations *locations, const char *reference, void *context,
	struct sandbox_error *error)
{
	const struct stop_options *options = context;

	return sandbox_restart(locations, reference, options->number, options->time, error);
}

static int run_with(const struct command *command, int usual, sandboxes_action *act, const struct cli *cli, int argc,
	char **argv)
{
	auto_finish(stop_options_finish) struct stop_options options = {.time = SANDBOX_STOP_TIMEOUT};
	struct sandbox_error error = {0};
	int operands;
	bool done;

	if (command_parse(command, &options, argc, argv, 0, -1, &operands, &done, &error) < 0)
		return output_error(&error);
	if (done)
		return 0;
	if (sandboxes_check_all(command->name, options.all, argc - operands, &error) < 0)
		return output_error(&error);
	options.number = sandboxes_signal("signal", options.signal, usual, &error);
	if (options.number < 0)
		return output_error(&error);
	return options.all ? sandboxes_each_running(cli, act, &options)
			   : sandboxes_each(cli, argc, argv, operands, act, &options);
}

static int run_stop(const struct cli *cli, int argc, char **argv)
{
	return run_with(&command_stop, 0, stop_one, cli, argc, argv);
}

static int run_restart(const struct cli *cli, int argc, char **argv)
{
	return run_with(&command_restart, 0, restart_one, cli, argc, argv);
}

static int run_kill(const struct cli *cli, int argc, char **argv)
{
	return run_with(&command_kill, SIGKILL, kill_one, cli, argc, argv);
}

const struct command command_stop = {
	.name = "stop",
	.operands = "--all | SANDBOX...",
	.summary = "end sandboxes: a signal, and KILL for those that take too long",
	.options = stop_table,
	.run = run_stop,
};

const struct command command_restart = {
	.name = "restart",
	.operands = "--all | SANDBOX...",
	.summary = "end kept sandboxes as stop does, and start them again",
	.options = stop_table,
	.run = run_restart,
};

const struct command command_kill = {
	.name = "kill",
	.operands = "--all | SANDBOX...",
	.summary = "send a signal to the commands of sandboxes",
	.options = kill_table,
	.run = run_kill,
};
