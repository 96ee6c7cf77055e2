/* sandbox exec: one more command in a sandbox that runs. */
#include <sandbox/life.h>
#include <stddef.h>
#include <string.h>

#include "base/scope.h"
#include "base/strings.h"
#include "cli/command.h"
#include "cli/inherited.h"
#include "cli/output.h"

struct exec_command {
	struct sandbox_exec_options options;
	bool interactive; /* so anyway, unless it is switched off */
	struct sandbox_strings given;
};

#define FIELD(name) offsetof(struct exec_command, options.name)

static const struct option_entry exec_table[] = {
	{OPTION_LIST, "env", 'e', "NAME[=VALUE]", "set a variable, or take it from here", FIELD(env)},
	{OPTION_LIST, "env-file", 0, "FILE", "set the variables that a file lists", FIELD(env_file)},
	{OPTION_TEXT, "workdir", 'w', "DIR", "the working directory (default: that of the sandbox's command)", FIELD(workdir)},
	{OPTION_TEXT, "user", 'u', "USER[:GROUP]", "run as this user (default: that of the sandbox's command)", FIELD(user)},
	{OPTION_FLAG, "tty", 't', NULL, "insist on a terminal of its own (default: when there is one here; =false: no)",
		FIELD(tty)},
	{OPTION_FLAG, "no-tty", 0, NULL, "no terminal of its own in any case", FIELD(no_tty)},
	{OPTION_FLAG, "interactive", 'i', NULL, "pass standard input on (default; =false: there is nothing to read)",
		offsetof(struct exec_command, interactive)},
	{OPTION_FLAG, "detach", 'd', NULL, "return once the command runs; what it writes is dropped", FIELD(detach)},
	{OPTION_TEXT, "status-fd", 0, "N", "tell descriptor N when it starts and how it ends, as JSON", FIELD(status_fd)},
	{OPTION_ABSENT, "privileged", .help = "leave it out: a command may what the sandbox may, see run --cap-add"},
	{OPTION_ABSENT, "detach-keys", .help = "leave it out: it is `sandbox attach` that can be left"},
	{OPTION_GIVEN, .offset = offsetof(struct exec_command, given)},
	{OPTION_END},
};

static void exec_command_finish(struct exec_command *typed)
{
	sandbox_exec_options_finish(&typed->options);
	sandbox_strings_finish(&typed->given);
}

static int run_exec(const struct cli *cli, int argc, char **argv)
{
	const struct sandbox_locations locations = {cli->store, cli->state, cli->runtime};
	auto_finish(exec_command_finish) struct exec_command typed = {.interactive = true};
	struct sandbox_exec_options *options = &typed.options;
	struct sandbox_error error = {0};
	struct sandbox_result result;
	int operands, first;
	bool done;

	if (command_parse(&command_exec, &typed, argc, argv, 2, -1, &operands, &done, &error) < 0)
		return output_error(&error);
	if (done)
		return 0;
	first = operands + 1 + (strcmp(argv[operands + 1], "--") == 0);
	for (int i = first; i < argc; i++)
		sandbox_strings_add(&options->command, argv[i]);
	if (!options->tty && strings_variable(&typed.given, "tty"))
		options->no_tty = true;
	if (!typed.interactive && inherited_drop_input(&error) < 0)
		return output_error(&error);
	if (sandbox_exec(&locations, argv[operands], options, &result, &error) < 0)
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
