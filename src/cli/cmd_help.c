/* sandbox help [COMMAND | E_CODE] */
#include <stdio.h>

#include "cli/command.h"
#include "cli/error_topics.h"
#include "cli/output.h"

static int no_help(const char *topic, struct sandbox_error *error)
{
	struct suggestion suggestion = SUGGESTION_INIT(topic);

	for (size_t i = 0; commands[i]; i++)
		suggestion_consider(&suggestion, commands[i]->name);
	for (int id = SANDBOX_E_NONE + 1; id < SANDBOX_E_COUNT; id++)
		suggestion_consider(&suggestion, sandbox_error_name((enum sandbox_error_id)id));
	error_set(error, 0, "no help on %s", topic);
	error_cause(error, SANDBOX_E_USAGE, "%s", "");
	if (suggestion.word)
		(void)error_fix(error, "did you mean `sandbox help %s`?", suggestion.word);
	else
		(void)error_fix(error, "`sandbox help` lists commands and error codes");
	return output_error(error);
}

static int run_help(const struct cli *cli, int argc, char **argv)
{
	struct sandbox_error error = {0};
	const struct command *command;
	int operands;
	bool done;

	if (command_parse(&command_help, NULL, argc, argv, 0, 2, &operands, &done, &error) < 0)
		return output_error(&error);
	if (done)
		return 0;
	if (operands == argc) {
		command_print_usage();
		printf("\nError codes, for `sandbox help E_CODE`\n");
		error_topics_list();
		return 0;
	}
	command = command_find(argv[operands]);
	/* Of two words the first is a group of commands. */
	if (argc - operands > 1 && !(command && command->subcommands))
		return no_help(argv[operands + 1], &error);
	if (command) {
		char *arguments[] = {argv[operands], (char *)"--help", NULL, NULL};

		if (argc - operands > 1) {
			arguments[1] = argv[operands + 1];
			arguments[2] = (char *)"--help";
		}
		return command->run(cli, argc - operands + 1, arguments);
	}
	if (error_topic_print(argv[operands]))
		return 0;
	return no_help(argv[operands], &error);
}

const struct command command_help = {
	.name = "help",
	.operands = "[COMMAND|E_CODE]",
	.summary = "explain a command or an error code",
	.run = run_help,
};
