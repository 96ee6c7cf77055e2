/* sandbox attach SANDBOX */
#include <sandbox/life.h>
#include <stdlib.h>

#include "base/scope.h"
#include "cli/command.h"
#include "cli/output.h"
#include "cli/sandboxes.h"

struct attach_options {
	char *detach_keys;
	bool no_stdin;
	bool sig_proxy;
};

#define FIELD(name) offsetof(struct attach_options, name)

static const struct option_entry attach_table[] = {
	{OPTION_TEXT, "detach-keys", 0, "KEYS", "what leaves it again (ctrl-p,ctrl-q; '' for nothing)", FIELD(detach_keys)},
	{OPTION_FLAG, "no-stdin", 0, NULL, "only look on", FIELD(no_stdin)},
	{OPTION_FLAG, "sig-proxy", 0, NULL, "pass signals on where it has no terminal (default; =false: they end this)",
		FIELD(sig_proxy)},
	{OPTION_END},
};

static void attach_options_finish(struct attach_options *options)
{
	free(options->detach_keys);
}

static int run_attach(const struct cli *cli, int argc, char **argv)
{
	const struct sandbox_locations locations = {cli->store, cli->state, cli->runtime};
	auto_finish(attach_options_finish) struct attach_options options = {.sig_proxy = true};
	struct sandbox_attach_options wanted = {.line = sandboxes_print_line};
	struct sandbox_error error = {0};
	struct sandbox_result result;
	bool done, left;
	int operands;

	if (command_parse(&command_attach, &options, argc, argv, 1, 1, &operands, &done, &error) < 0)
		return output_error(&error);
	if (done)
		return 0;
	wanted.detach_keys = options.detach_keys;
	wanted.no_stdin = options.no_stdin;
	wanted.sig_proxy = options.sig_proxy;
	if (sandbox_attach(&locations, argv[operands], &wanted, &left, &result, &error) < 0)
		return output_error(&error);
	return sandbox_result_exit_status(&result);
}

const struct command command_attach = {
	.name = "attach",
	.operands = "SANDBOX",
	.summary = "take part in a detached sandbox: see what it writes, type what it reads",
	.options = attach_table,
	.run = run_attach,
};
