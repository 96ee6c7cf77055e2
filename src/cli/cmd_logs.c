/* sandbox logs SANDBOX */
#include <sandbox/life.h>
#include <stdio.h>
#include <string.h>

#include "base/scope.h"
#include "base/text.h"
#include "cli/command.h"
#include "cli/output.h"
#include "cli/sandboxes.h"

struct logs_options {
	bool follow;
	bool timestamps;
	char *tail;
	char *since;
	char *until;
	bool is_within_line[2]; /* whether the last piece of standard output, and of error, has not ended its line */
};

static const struct option_entry logs_table[] = {
	{OPTION_FLAG, "follow", 'f', NULL, "go on until the sandbox has ended", offsetof(struct logs_options, follow)},
	{OPTION_TEXT, "since", 0, "TIME", "only lines from then on: 10m, 2026-01-31T12:00", offsetof(struct logs_options, since)},
	{OPTION_TEXT, "until", 0, "TIME", "only lines up to then", offsetof(struct logs_options, until)},
	{OPTION_TEXT, "tail", 'n', "N|all", "only the last N lines (default: all)", offsetof(struct logs_options, tail)},
	{OPTION_FLAG, "timestamps", 't', NULL, "begin each line with its time", offsetof(struct logs_options, timestamps)},
	{OPTION_ABSENT, "details", .help = "leave it out: `sandbox inspect` tells more"},
	{OPTION_END},
};

static void logs_options_finish(struct logs_options *options)
{
	free(options->tail);
	free(options->since);
	free(options->until);
}

static int print_line(void *context, const struct sandbox_log_line *line)
{
	struct logs_options *options = context;
	bool *is_within_line = &options->is_within_line[line->stream == 2];

	if (options->timestamps && !*is_within_line)
		(void)fprintf(line->stream == 1 ? stdout : stderr, "%s ", line->time);
	*is_within_line = !line->size || line->text[line->size - 1] != '\n';
	return sandboxes_print_line(NULL, line);
}

static int read_tail(const struct logs_options *options, struct sandbox_log_options *out, struct sandbox_error *error)
{
	out->has_tail = options->tail && strcmp(options->tail, "all") != 0;
	if (!out->has_tail || text_parse_unsigned(options->tail, UINT32_MAX, &out->tail))
		return 0;
	error_set(error, 0, "--tail \"%s\"", options->tail);
	error_cause(error, SANDBOX_E_USAGE, "it is not a number of lines");
	return error_fix(error, "give a number, such as 100, or all");
}

static int run_logs(const struct cli *cli, int argc, char **argv)
{
	const struct sandbox_locations locations = {cli->store, cli->state, cli->runtime};
	auto_finish(logs_options_finish) struct logs_options options = {0};
	struct sandbox_log_options wanted = {.line = print_line, .context = &options};
	struct sandbox_error error = {0};
	int operands;
	bool done;

	if (command_parse(&command_logs, &options, argc, argv, 1, 1, &operands, &done, &error) < 0)
		return output_error(&error);
	if (done)
		return 0;
	wanted.follow = options.follow;
	if (read_tail(&options, &wanted, &error) < 0 ||
	    sandboxes_moment("since", options.since, &wanted.has_since, &wanted.since, &error) < 0 ||
	    sandboxes_moment("until", options.until, &wanted.has_until, &wanted.until, &error) < 0)
		return output_error(&error);
	return sandbox_log_read(&locations, argv[operands], &wanted, &error) < 0 && *error.text ? output_error(&error) : 0;
}

const struct command command_logs = {
	.name = "logs",
	.operands = "SANDBOX",
	.summary = "print what a detached sandbox has written",
	.options = logs_table,
	.run = run_logs,
};
