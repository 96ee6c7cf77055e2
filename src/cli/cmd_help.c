/* sandbox help [COMMAND | E_CODE] */
#include <stdio.h>

#include "cli/command.h"
#include "cli/error_topics.h"
#include "cli/output.h"

static int run_help(const struct cli *cli, int argc, char **argv)
{
	struct sandbox_error error = {0};
	const struct command *command;
	int operands;
	bool done;

	if (command_parse(&command_help, NULL, argc, argv, 0, 1, &operands, &done, &error) < 0)
		return output_error(&error);
	if (done)
		return 0;
	if (operands == argc) {
		error_topics_list();
		return 0;
	}
	command = command_find(argv[operands]);
	if (command) {
		char *arguments[] = {argv[operands], (char *)"--help", NULL};

		return command->run(cli, 2, arguments);
	}
	if (error_topic_print(argv[operands]))
		return 0;
	error_set(&error, 0, "no help on %s", argv[operands]);
	error_cause(&error, SANDBOX_E_USAGE, "%s", "");
	(void)error_fix(&error, "see `sandbox --help`, or `sandbox help` for the list of error codes");
	return output_error(&error);
}

const struct command command_help = {
	.name = "help",
	.operands = "[COMMAND|E_CODE]",
	.summary = "explain a command or an error code",
	.run = run_help,
};
