/* sandbox(1): global options, then one command. */
#include <errno.h>
#include <signal.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "base/fd.h"
#include "base/log.h"
#include "base/memory.h"
#include "base/scope.h"
#include "base/test_switch.h"
#include "cli/command.h"
#include "cli/option.h"
#include "cli/output.h"
#include "cli/paths.h"
#include "process/origin.h"
#include "security/rlimit.h"

struct global_options {
	struct path_options paths;
	char *config;
	struct sandbox_strings profiles;
	uint64_t holder;
	bool debug;
	bool quiet;
	bool version;
};

const struct option_entry global_table[] = {
	{OPTION_TEXT, "root", 0, "DIR", "where images live (default ~/.cache/sandbox)",
		offsetof(struct global_options, paths.root)},
	{OPTION_TEXT, "state", 0, "DIR", "what must survive a cache clean (default ~/.local/state/sandbox)",
		offsetof(struct global_options, paths.state)},
	{OPTION_TEXT, "runroot", 0, "DIR", "live state (default $XDG_RUNTIME_DIR/sandbox)",
		offsetof(struct global_options, paths.runroot)},
	{OPTION_TEXT, "config", 0, "FILE", "the configuration (default ~/.config/sandbox/config; /dev/null: none)",
		offsetof(struct global_options, config), .typed_only = true},
	{OPTION_LIST, "profile", 0, "NAME", "run with the options in ~/.config/sandbox/profiles/NAME",
		offsetof(struct global_options, profiles)},
	{OPTION_FLAG, "debug", 0, NULL, "tell what is done, in order", offsetof(struct global_options, debug)},
	{OPTION_FLAG, "quiet", 'q', NULL, "no notices", offsetof(struct global_options, quiet)},
	{OPTION_FLAG, "version", 0, NULL, "print the version", offsetof(struct global_options, version), .typed_only = true},
	{OPTION_END},
};

/* What only a configuration file can say, besides the options of the command line: sandbox-config(5). */
static const struct option_entry settings_table[] = {
	{OPTION_DURATION, "holder", 0, "DURATION", "keep ids mapped that long after a run",
		offsetof(struct global_options, holder)},
	{OPTION_END},
};

const struct command *const commands[] = {&command_run, &command_ps, &command_exec, &command_logs, &command_stop, &command_kill,
	&command_wait, &command_rm, &command_import, &command_images, &command_rmi, &command_reset, &command_doctor,
	&command_completion, &command_help, NULL};

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
	options_print_help(global_table);
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
	if (command->options)
		options_print_help(command->options);
}

static int operands_error(const struct command *command, bool too_few, struct sandbox_error *error)
{
	auto_free char *usage = usage_of(command);

	if (too_few)
		error_set(error, 0, "%s: %.*s is missing", command->name, (int)strcspn(command->operands, " .|"),
			command->operands);
	else
		error_set(error, 0, "%s: too many operands", command->name);
	error_cause(error, SANDBOX_E_USAGE, "%s", "");
	if (too_few && command->example)
		return error_fix(error, "for example: %s (usage: sandbox %s)", command->example, usage);
	return error_fix(error, "usage: sandbox %s", usage);
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
	if (argc - operands < least || (most >= 0 && argc - operands > most))
		return operands_error(command, argc - operands < least, error);
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

static int unknown_command(const char *name, struct sandbox_error *error)
{
	struct suggestion suggestion = SUGGESTION_INIT(name);

	for (size_t i = 0; commands[i]; i++)
		suggestion_consider(&suggestion, commands[i]->name);
	error_set(error, 0, "unknown command %s", name);
	error_cause(error, SANDBOX_E_USAGE, "%s", "");
	if (suggestion.word)
		return error_fix(error, "did you mean `sandbox %s`?", suggestion.word);
	return error_fix(error, "see `sandbox --help`");
}

static void global_options_finish(struct global_options *options)
{
	free(options->paths.root);
	free(options->paths.state);
	free(options->paths.runroot);
	free(options->config);
	sandbox_strings_finish(&options->profiles);
}

static int parse_global(struct global_options *options, int argc, char **argv, int *out_operands,
	struct sandbox_error *error)
{
	int result = options_parse(global_table, options, argc, argv, out_operands, error);

	if (result < 0 && !*error->fix)
		(void)error_fix(error, "see `sandbox --help`");
	return result;
}

static int read_config(const char *named, struct cli *cli, struct sandbox_error *error)
{
	const struct option_entry *const tables[] = {global_table, settings_table, command_run.options, NULL};
	auto_free char *directory = paths_configuration(), *path = NULL;
	int result;

	if (directory)
		cli->profile_directory = memory_format("%s/profiles", directory);
	if (!directory && !named)
		return 0;
	path = named ? memory_text(named) : memory_format("%s/config", directory);
	result = config_read(path, "config", !named, &cli->config, error);
	return result < 0 ? result : config_check(&cli->config, tables, error);
}

/* The configuration says what is not typed. Fills *out and `cli`. */
static int configure(const struct global_options *typed, int argc, char **argv, struct global_options *out,
	struct cli *cli, struct sandbox_error *error)
{
	int operands, result = read_config(typed->config, cli, error);

	if (result == 0)
		result = config_apply(&cli->config, global_table, out, error);
	if (result == 0)
		result = config_apply(&cli->config, settings_table, out, error);
	if (result == 0)
		result = parse_global(out, argc, argv, &operands, error);
	if (result == 0)
		result = paths_decide(&out->paths, cli, error);
	cli->holder = out->holder;
	cli->profiles = out->profiles;
	out->profiles = (struct sandbox_strings){0};
	log_set_level(out->debug ? LOG_LEVEL_DEBUG : out->quiet ? LOG_LEVEL_QUIET : LOG_LEVEL_NORMAL);
	return result;
}

static void cli_finish(struct cli *cli)
{
	paths_finish(cli);
	config_finish(&cli->config);
	free(cli->profile_directory);
	sandbox_strings_finish(&cli->profiles);
}

/* The command begins at argv[operands]. */
static int run_command(const struct global_options *typed, int operands, int argc, char **argv,
	struct sandbox_error *error)
{
	auto_finish(global_options_finish) struct global_options options = {0};
	auto_finish(cli_finish) struct cli cli = {0};
	const struct command *command = command_find(argv[operands]);
	int result;

	if (!command)
		return unknown_command(argv[operands], error);
	result = configure(typed, argc, argv, &options, &cli, error);
	return result < 0 ? result : command->run(&cli, argc - operands, argv + operands);
}

int main(int argc, char **argv)
{
	auto_finish(global_options_finish) struct global_options options = {0};
	struct sandbox_error error = {0};
	int operands = 0, result = rlimit_raise_stack(&error);

	if (result == 0)
		result = origin_verify(&error);
	if (result == 0)
		result = normalise_process(&error);
	if (result == 0)
		result = parse_global(&options, argc, argv, &operands, &error);
	if (result < 0)
		return output_error(&error);
	if (options.version) {
		printf("sandbox %s\n", SANDBOX_VERSION);
	} else if (operands == OPTIONS_HELP || operands == argc) {
		command_print_usage();
	} else {
		result = run_command(&options, operands, argc, argv, &error);
		if (result < 0)
			return output_error(&error);
	}
	return result > 0 ? result : output_flush();
}
