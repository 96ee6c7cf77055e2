/* sandbox cp SANDBOX:PATH PATH, and the other way round */
#include <sandbox/files.h>
#include <string.h>
#include <unistd.h>

#include "base/memory.h"
#include "base/scope.h"
#include "cli/command.h"
#include "cli/output.h"

#define FIELD(name) offsetof(struct sandbox_copy_options, name)

static const struct option_entry cp_table[] = {
	{OPTION_FLAG, "archive", 'a', NULL, "keep owners, as the id map shows them (default: root's inside, yours outside)",
		FIELD(archive)},
	{OPTION_FLAG, "follow-link", 'L', NULL, "copy what a link leads to, where the source itself is one", FIELD(follow)},
	{OPTION_ABSENT, "recursive", 'r', .help = "leave it out: a directory is copied with all that is in it"},
	{OPTION_END},
};

/* As for Docker: what begins with a slash or a dot is a path here. The part before the colon, or NULL; the caller frees. */
static char *sandbox_of(const char *operand, const char **out_path)
{
	const char *colon = strchr(operand, ':');

	if (*operand == '/' || *operand == '.' || !colon || colon == operand)
		return NULL;
	*out_path = colon + 1;
	return memory_text_n(operand, (size_t)(colon - operand));
}

static int refuse_operands(struct sandbox_error *error)
{
	(void)error_set(error, 0, "cp: one of the two must be in a sandbox, and only one");
	(void)error_cause(error, SANDBOX_E_USAGE, "SANDBOX:PATH is a path in a sandbox; a file here with a colon in its name "
		"is ./FILE");
	return error_fix(error, "for example: sandbox cp job:/etc/os-release .");
}

static int refuse_terminal(struct sandbox_error *error)
{
	(void)error_set(error, 0, "refused to exchange an archive with the terminal");
	(void)error_cause(error, SANDBOX_E_USAGE, "\"-\" is a tar archive on standard input or output, which is a terminal");
	return error_fix(error, "redirect it, or name a file or directory");
}

static int copy(const struct cli *cli, char **operands, const struct sandbox_copy_options *options, struct sandbox_error *error)
{
	const struct sandbox_locations locations = {cli->store, cli->state, cli->runtime};
	const char *from_path = NULL, *to_path = NULL;
	auto_free char *from = sandbox_of(operands[0], &from_path), *to = sandbox_of(operands[1], &to_path);

	if (!from == !to)
		return refuse_operands(error);
	if ((from && strcmp(operands[1], "-") == 0 && isatty(STDOUT_FILENO)) ||
	    (to && strcmp(operands[0], "-") == 0 && isatty(STDIN_FILENO)))
		return refuse_terminal(error);
	return from ? sandbox_copy_out(&locations, from, from_path, operands[1], options, error)
		    : sandbox_copy_in(&locations, operands[0], to, to_path, options, error);
}

static int run_cp(const struct cli *cli, int argc, char **argv)
{
	struct sandbox_copy_options options = {.caller_uid = geteuid(), .caller_gid = getegid()};
	struct sandbox_error error = {0};
	int operands;
	bool done;

	if (command_parse(&command_cp, &options, argc, argv, 2, 2, &operands, &done, &error) < 0)
		return output_error(&error);
	if (done)
		return 0;
	return copy(cli, argv + operands, &options, &error) < 0 ? output_error(&error) : 0;
}

const struct command command_cp = {
	.name = "cp",
	.operands = "SANDBOX:PATH|FILE|- FILE|SANDBOX:PATH|-",
	.summary = "copy files from a sandbox or into one",
	.example = "sandbox cp job:/srv/result .",
	.options = cp_table,
	.run = run_cp,
};
