/* sandbox exec: one more command in a sandbox that runs. */
#include <sandbox/life.h>
#include <string.h>

#include "base/scope.h"
#include "cli/command.h"
#include "cli/output.h"

#define FIELD(name) offsetof(struct sandbox_exec_options, name)

static const struct option_entry exec_table[] = {
	{OPTION_LIST, "env", 'e', "NAME[=VALUE]", "set a variable, or take it from here", FIELD(env)},
	{OPTION_LIST, "env-file", 0, "FILE", "set the variables that a file lists", FIELD(env_file)},
	{OPTION_TEXT, "workdir", 'w', "DIR", "the working directory (default: that of the sandbox's command)", FIELD(workdir)},
	{OPTION_TEXT, "user", 'u', "USER[:GROUP]", "run as this user (default: that of the sandbox's command)", FIELD(user)},
	{OPTION_FLAG, "tty", 't', NULL, "insist on a terminal of its own (default: when there is one here)", FIELD(tty)},
	{OPTION_FLAG, "no-tty", 0, NULL, "no terminal of its own in any case", FIELD(no_tty)},
	{OPTION_FLAG, "interactive", 'i', NULL, "pass standard input on (so anyway)", FIELD(interactive)},
	{OPTION_FLAG, "detach", 'd', NULL, "return once the command runs; what it writes is dropped", FIELD(detach)},
	{OPTION_TEXT, "status-fd", 0, "N", "tell descriptor N when it starts and how it ends, as JSON", FIELD(status_fd)},
	{OPTION_END},
};

static int run_exec(const struct cli *cli, int argc, char **argv)
{
	const struct sandbox_locations locations = {cli->store, cli->state, cli->runtime};
	auto_finish(sandbox_exec_options_finish) struct sandbox_exec_options options = {.interactive = true};
	struct sandbox_error error = {0};
	struct sandbox_result result;
	int operands, first;
	bool done;

	if (command_parse(&command_exec, &options, argc, argv, 2, -1, &operands, &done, &error) < 0)
		return output_error(&error);
	if (done)
		return 0;
	first = operands + 1 + (strcmp(argv[operands + 1], "--") == 0);
	for (int i = first; i < argc; i++)
		sandbox_strings_add(&options.command, argv[i]);
	if (sandbox_exec(&locations, argv[operands], &options, &result, &error) < 0)
		return output_error(&error);
	return sandbox_result_exit_status(&result);
}

const struct command command_exec = {
	.name = "exec",
	.operands = "SANDBOX [--] COMMAND [ARG...]",
	.summary = "run one more command in a sandbox that runs",
	.options = exec_table,
	.run = run_exec,
};
