/* sandbox(1): global options, then one command. */
#include <errno.h>
#include <signal.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "base/fd.h"
#include "base/log.h"
#include "base/scope.h"
#include "base/test_switch.h"
#include "cli/command.h"
#include "cli/option.h"
#include "cli/output.h"
#include "cli/paths.h"
#include "process/origin.h"

struct global_options {
	struct path_options paths;
	bool debug;
	bool quiet;
	bool version;
};

static const struct option_entry global_table[] = {
	{OPTION_TEXT, "root", 0, "DIR", "where images live (default ~/.cache/sandbox)",
		offsetof(struct global_options, paths.root)},
	{OPTION_TEXT, "state", 0, "DIR", "what must survive a cache clean (default ~/.local/state/sandbox)",
		offsetof(struct global_options, paths.state)},
	{OPTION_TEXT, "runroot", 0, "DIR", "live state (default $XDG_RUNTIME_DIR/sandbox)",
		offsetof(struct global_options, paths.runroot)},
	{OPTION_FLAG, "debug", 0, NULL, "tell what is done, in order", offsetof(struct global_options, debug)},
	{OPTION_FLAG, "quiet", 'q', NULL, "no notices", offsetof(struct global_options, quiet)},
	{OPTION_FLAG, "version", 0, NULL, "print the version", offsetof(struct global_options, version)},
	{OPTION_END},
};

const struct command *const commands[] = {&command_run, &command_import, &command_images, &command_rmi, &command_reset,
	&command_help, NULL};

const struct command *command_find(const char *name)
{
	for (size_t i = 0; commands[i]; i++)
		if (strcmp(commands[i]->name, name) == 0)
			return commands[i];
	return NULL;
}

static void print_usage(void)
{
	printf("usage: sandbox [GLOBAL OPTIONS] COMMAND [OPTIONS] ...\n\n"
	       "Runs commands in isolation, without root.\n\nCommands\n");
	for (size_t i = 0; commands[i]; i++)
		printf("  %-10s %s\n", commands[i]->name, commands[i]->summary);
	printf("\nGlobal options\n");
	options_print_help(global_table);
	printf("\n`sandbox COMMAND --help` tells more.\n");
}

static void print_command_help(const struct command *command)
{
	printf("usage: sandbox %s %s%s\n\n%s\n", command->name, command->options ? "[OPTIONS] " : "",
		command->operands, command->summary);
	if (command->options)
		options_print_help(command->options);
}

int command_parse(const struct command *command, void *target, int argc, char **argv, int least, int most,
	int *out_operands, bool *out_done, struct sandbox_error *error)
{
	static const struct option_entry no_options[] = {{OPTION_END}};
	int operands, result = options_parse(command->options ? command->options : no_options, target, argc, argv,
			      &operands, error);

	*out_done = false;
	if (result < 0) {
		if (!*error->fix)
			(void)error_fix(error, "see `sandbox %s --help`", command->name);
		return result;
	}
	if (operands == OPTIONS_HELP) {
		print_command_help(command);
		*out_done = true;
		return 0;
	}
	if (argc - operands < least || (most >= 0 && argc - operands > most)) {
		error_set(error, 0, "%s: %s", command->name,
			argc - operands < least ? "an operand is missing" : "too many operands");
		error_cause(error, SANDBOX_E_USAGE, "%s", "");
		return error_fix(error, "usage: sandbox %s %s%s", command->name, command->options ? "[OPTIONS] " : "",
			command->operands);
	}
	*out_operands = operands;
	return 0;
}

/*
 * Whoever started us may have closed descriptors, ignored SIGCHLD (then waiting would find nothing) or
 * set an umask of 777 (then our own directories would be closed to us).
 */
static int normalise_process(struct sandbox_error *error)
{
	int result = fd_occupy_standard();

	if (result < 0)
		return error_set(error, -result, "open /dev/null");
	(void)signal(SIGCHLD, SIG_DFL);
	/* A write beyond `ulimit -f` shall be an error that we can name. */
	(void)signal(SIGXFSZ, SIG_IGN);
	if (!test_defence_removed("umask"))
		(void)umask(022);
	return 0;
}

static int run_command(const struct global_options *options, int argc, char **argv, struct sandbox_error *error)
{
	auto_finish(paths_finish) struct cli cli = {0};
	const struct command *command = command_find(argv[0]);
	int result;

	if (!command) {
		error_set(error, 0, "unknown command %s", argv[0]);
		error_cause(error, SANDBOX_E_USAGE, "%s", "");
		return error_fix(error, "see `sandbox --help`");
	}
	result = paths_decide(&options->paths, &cli, error);
	if (result < 0)
		return result;
	return command->run(&cli, argc, argv);
}

static void global_options_finish(struct global_options *options)
{
	free(options->paths.root);
	free(options->paths.state);
	free(options->paths.runroot);
}

static int parse_global(struct global_options *options, int argc, char **argv, int *out_operands,
	struct sandbox_error *error)
{
	int result = options_parse(global_table, options, argc, argv, out_operands, error);

	if (result < 0 && !*error->fix)
		(void)error_fix(error, "see `sandbox --help`");
	return result;
}

int main(int argc, char **argv)
{
	auto_finish(global_options_finish) struct global_options options = {0};
	struct sandbox_error error = {0};
	int operands = 0, result = origin_verify(&error);

	if (result == 0)
		result = normalise_process(&error);
	if (result == 0)
		result = parse_global(&options, argc, argv, &operands, &error);
	if (result < 0)
		return output_error(&error);
	log_set_level(options.debug ? LOG_LEVEL_DEBUG : options.quiet ? LOG_LEVEL_QUIET : LOG_LEVEL_NORMAL);

	if (options.version) {
		printf("sandbox %s\n", SANDBOX_VERSION);
	} else if (operands == OPTIONS_HELP || operands == argc) {
		print_usage();
	} else {
		result = run_command(&options, argc - operands, argv + operands, &error);
		if (result < 0)
			return output_error(&error);
	}
	return result > 0 ? result : output_flush();
}
