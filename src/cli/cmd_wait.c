/* sandbox wait SANDBOX… */
#include <sandbox/life.h>
#include <stdio.h>

#include "cli/command.h"
#include "cli/output.h"

static int run_wait(const struct cli *cli, int argc, char **argv)
{
	const struct sandbox_locations locations = {cli->store, cli->state, cli->runtime};
	struct sandbox_error error = {0};
	int operands, status = 0;
	bool done;

	if (command_parse(&command_wait, NULL, argc, argv, 1, -1, &operands, &done, &error) < 0)
		return output_error(&error);
	for (int i = operands; i < argc && !done; i++) {
		struct sandbox_result result;

		if (sandbox_wait(&locations, argv[i], &result, &error) < 0)
			status = output_error(&error);
		else
			printf("%d\n", sandbox_result_exit_status(&result));
	}
	return status;
}

const struct command command_wait = {
	.name = "wait",
	.operands = "SANDBOX...",
	.summary = "wait until sandboxes have ended, and print their exit statuses",
	.run = run_wait,
};
