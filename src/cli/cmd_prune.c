/* sandbox prune */
#include <sandbox/life.h>
#include <stdio.h>
#include <unistd.h>

#include "base/scope.h"
#include "cli/command.h"
#include "cli/output.h"

struct prune_options {
	bool force;
};

static const struct option_entry prune_table[] = {
	{OPTION_FLAG, "force", 'f', NULL, "do not ask", offsetof(struct prune_options, force)},
	{OPTION_END},
};

static size_t count_ended(const struct sandbox_entries *entries)
{
	size_t count = 0;

	for (size_t i = 0; i < entries->count; i++)
		count += entries->items[i].status != SANDBOX_RUNNING;
	return count;
}

/* What was kept cannot be had again. */
static int ask(size_t count, bool *out_yes, struct sandbox_error *error)
{
	char answer[8] = "";

	if (!isatty(STDIN_FILENO) || !isatty(STDERR_FILENO)) {
		error_set(error, 0, "prune");
		error_cause(error, SANDBOX_E_USAGE, "it removes what kept sandboxes wrote, and there is nobody to ask");
		return error_fix(error, "sandbox prune --force");
	}
	fprintf(stderr, "Sandboxes that do not run: %zu. Remove them, with all that they wrote? [y/N] ", count);
	*out_yes = fgets(answer, sizeof(answer), stdin) && (answer[0] == 'y' || answer[0] == 'Y');
	return 0;
}

/* One that was started again or removed meanwhile is not meant any more. */
static int remove_ended(const struct sandbox_locations *locations, const struct sandbox_entries *entries)
{
	int status = 0;

	for (size_t i = 0; i < entries->count; i++) {
		const struct sandbox_entry *entry = &entries->items[i];
		struct sandbox_error error = {0};

		if (entry->status == SANDBOX_RUNNING)
			continue;
		if (sandbox_remove(locations, entry->id, false, &error) == 0)
			printf("%s\n", entry->name ? entry->name : entry->id);
		else if (error.id != SANDBOX_E_SANDBOX_UNKNOWN && error.id != SANDBOX_E_SANDBOX_STATE)
			status = output_error(&error);
	}
	return status;
}

static int run_prune(const struct cli *cli, int argc, char **argv)
{
	const struct sandbox_locations locations = {cli->store, cli->state, cli->runtime};
	auto_finish(sandbox_entries_finish) struct sandbox_entries entries = {0};
	struct prune_options options = {0};
	struct sandbox_error error = {0};
	bool done, yes = true;
	int operands;

	if (command_parse(&command_prune, &options, argc, argv, 0, 0, &operands, &done, &error) < 0)
		return output_error(&error);
	if (done)
		return 0;
	if (sandbox_list(&locations, true, &entries, &error) < 0)
		return output_error(&error);
	if (count_ended(&entries) && !options.force && ask(count_ended(&entries), &yes, &error) < 0)
		return output_error(&error);
	return yes ? remove_ended(&locations, &entries) : 0;
}

const struct command command_prune = {
	.name = "prune",
	.operands = "",
	.summary = "remove all sandboxes that do not run",
	.options = prune_table,
	.run = run_prune,
};
