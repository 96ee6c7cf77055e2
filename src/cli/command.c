/* Which commands there are, and what all of them have in common. */
#include "cli/command.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/memory.h"
#include "base/scope.h"
#include "base/text.h"
#include "cli/global.h"

const struct command *const commands[] = {&command_run, &command_create, &command_start, &command_ps, &command_exec,
	&command_logs, &command_stop, &command_restart, &command_kill, &command_wait, &command_pause, &command_unpause,
	&command_update, &command_stats, &command_inspect, &command_rename, &command_rm, &command_prune,
	&command_attach, &command_events, &command_top,
	&command_export, &command_cp, &command_diff, &command_commit,
	&command_import, &command_load, &command_save, &command_images,
	&command_tag, &command_history, &command_rmi, &command_image, &command_df, &command_gc,
	&command_reset, &command_doctor, &command_completion, &command_help, NULL};

const struct command *command_find(const char *name)
{
	for (size_t i = 0; commands[i]; i++)
		if (strcmp(commands[i]->name, name) == 0)
			return commands[i];
	return NULL;
}

void command_print_usage(void)
{
	printf("usage: sandbox [GLOBAL OPTIONS] COMMAND [OPTIONS] ...\n\n"
	       "Runs commands in isolation, without root.\n\nCommands\n");
	for (size_t i = 0; commands[i]; i++)
		printf("  %-10s %s\n", commands[i]->name, commands[i]->summary);
	printf("\nGlobal options\n");
	options_print_help(global_table, NULL);
	printf("\n`sandbox COMMAND --help` tells more.\n");
}

/* "run [OPTIONS] IMAGE", owned by the caller. */
static char *usage_of(const struct command *command)
{
	return memory_format("%s%s%s%s", command->name, command->options ? " [OPTIONS]" : "",
		*command->operands ? " " : "", command->operands);
}

static void print_command_help(const struct command *command)
{
	auto_free char *usage = usage_of(command);

	printf("usage: sandbox %s\n\n%s\n", usage, command->summary);
	if (command->example)
		printf("\nFor example: %s\n", command->example);
	if (!command->options)
		return;
	/* A heading brings its own. */
	if (command->options->kind != OPTION_HEADING)
		printf("\nOptions\n");
	options_print_help(command->options, command->refused);
}

/* The word of `operands` that stands for the operand number `index`; one in brackets can be left out. Owned by the caller. */
static char *operand_name(const char *operands, int index)
{
	auto_free char *copy = memory_text(operands);
	char *rest = copy, *word;

	while ((word = strsep(&rest, " ")))
		if (*word != '[' && index-- == 0)
			break;
	if (!word)
		return memory_text("an operand");
	/* "NAME..." and "FILE|-" */
	return memory_text_n(word, strstr(word, "...") ? (size_t)(strstr(word, "...") - word)
		: strstr(word, "|-") ? (size_t)(strstr(word, "|-") - word) : strlen(word));
}

/* Too few or too many of them were given. */
static int operands_error(const struct command *command, int given, int least, struct sandbox_error *error)
{
	auto_free char *usage = usage_of(command), *missing = NULL;

	if (given < least) {
		missing = operand_name(command->operands, given);
		error_set(error, 0, "%s: %s is missing", command->name, missing);
	} else {
		error_set(error, 0, "%s: too many operands", command->name);
	}
	error_cause(error, SANDBOX_E_USAGE, "%s", "");
	if (command->example)
		return error_fix(error, "for example: %s (usage: sandbox %s)", command->example, usage);
	return error_fix(error, "usage: sandbox %s", usage);
}

/* What to do about an option that could not be read: one of sandbox's own may only be in the wrong place. */
static int propose_place(const struct command *command, int argc, char **argv, struct sandbox_error *error)
{
	for (int i = 1; i < argc; i++) {
		auto_free char *unknown = memory_format("unknown option %s", argv[i]), *name = NULL;

		if (!text_starts_with(argv[i], "--") || strcmp(error->text, unknown) != 0)
			continue;
		name = memory_text_n(argv[i] + 2, strcspn(argv[i] + 2, "="));
		if (option_find(global_table, name, NULL))
			return error_fix(error, "say it before the command: sandbox --%s ... %s", name, command->name);
	}
	return *error->fix ? -EINVAL : error_fix(error, "see `sandbox %s --help`", command->name);
}

int command_parse(const struct command *command, void *target, int argc, char **argv, int least, int most,
	int *out_operands, bool *out_done, struct sandbox_error *error)
{
	static const struct option_entry no_options[] = {{OPTION_END}};
	int operands, result = options_parse(command->options ? command->options : no_options, target, argc, argv,
			      &operands, error);

	*out_done = false;
	if (result < 0)
		return propose_place(command, argc, argv, error);
	if (operands == OPTIONS_HELP) {
		print_command_help(command);
		*out_done = true;
		return 0;
	}
	if (argc - operands < least || (most >= 0 && argc - operands > most))
		return operands_error(command, argc - operands, least, error);
	*out_operands = operands;
	return 0;
}
