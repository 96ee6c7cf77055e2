/* sandbox(1): global options, then one command. */
#include <signal.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/log.h"
#include "base/memory.h"
#include "base/scope.h"
#include "base/test_switch.h"
#include "cli/command.h"
#include "cli/elsewhere.h"
#include "cli/global.h"
#include "cli/option.h"
#include "cli/output.h"
#include "cli/output_file.h"
#include "cli/paths.h"
#include "process/origin.h"
#include "security/rlimit.h"

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
		output_file_umask(umask(022));
	return 0;
}

static int unknown_command(const char *name, struct sandbox_error *error)
{
	struct suggestion suggestion = SUGGESTION_INIT(name);
	const char *instead = elsewhere_find(name);

	for (size_t i = 0; commands[i]; i++)
		suggestion_consider(&suggestion, commands[i]->name);
	error_set(error, 0, "unknown command %s", name);
	error_cause(error, SANDBOX_E_USAGE, "%s", "");
	if (instead)
		return error_fix(error, "%s", instead);
	if (suggestion.word)
		return error_fix(error, "did you mean `sandbox %s`?", suggestion.word);
	if (access(name, F_OK) == 0)
		return error_fix(error, "to run a command in it: sandbox run %.256s", name);
	return error_fix(error, "see `sandbox --help`");
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
		result = config_apply(&cli->config, global_table, NULL, out, error);
	if (result == 0)
		result = config_apply(&cli->config, settings_table, NULL, out, error);
	if (result == 0)
		result = parse_global(out, argc, argv, &operands, error);
	if (result == 0)
		result = paths_decide(&out->paths, cli, error);
	cli->holder = out->holder;
	cli->import_limits = out->import_limits;
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

/* Help needs no configuration, and is what the errors of a configuration refer to. */
static bool asks_for_help(const struct command *command, int argc, char **argv)
{
	int first = command->subcommands ? 2 : 1;

	return command == &command_help || (argc > 1 && option_is_help(command->options, argv[1])) ||
		(argc > first && option_is_help(command->options, argv[first]));
}

/* The command begins at argv[operands]. */
static int run_command(const struct global_options *typed, int operands, int argc, char **argv,
	struct sandbox_error *error)
{
	auto_finish(global_options_finish) struct global_options options;
	auto_finish(cli_finish) struct cli cli = {0};
	const struct command *command = command_find(argv[operands]);
	int result = 0;

	global_options_init(&options);
	if (!command)
		return unknown_command(argv[operands], error);
	if (!asks_for_help(command, argc - operands, argv + operands))
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
