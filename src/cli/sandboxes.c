#include "cli/sandboxes.h"

#include <errno.h>
#include <stdio.h>
#include <time.h>

#include "base/memory.h"
#include "base/moment.h"
#include "base/scope.h"
#include "base/signals.h"
#include "base/text.h"
#include "cli/output.h"

int sandboxes_each(const struct cli *cli, int argc, char **argv, int first, sandboxes_action *act, void *context)
{
	const struct sandbox_locations locations = {cli->store, cli->state, cli->runtime};
	int status = 0;

	for (int i = first; i < argc; i++) {
		auto_free char *shown = text_escape(argv[i]);
		struct sandbox_error error = {0};

		if (act(&locations, argv[i], context, &error) < 0)
			status = output_error(&error);
		else
			printf("%s\n", shown);
	}
	return status;
}

int sandboxes_each_running(const struct cli *cli, sandboxes_action *act, void *context)
{
	const struct sandbox_locations locations = {cli->store, cli->state, cli->runtime};
	auto_finish(sandbox_entries_finish) struct sandbox_entries entries = {0};
	struct sandbox_error error = {0};
	int status = 0;

	if (sandbox_list(&locations, false, &entries, &error) < 0)
		return output_error(&error);
	for (size_t i = 0; i < entries.count; i++) {
		const struct sandbox_entry *entry = &entries.items[i];
		struct sandbox_error problem = {0};
		int result = act(&locations, entry->id, context, &problem);

		if (result == 0)
			printf("%s\n", entry->name ? entry->name : entry->id);
		else if (problem.id != SANDBOX_E_SANDBOX_UNKNOWN && result != -ESRCH)
			status = output_error(&problem);
	}
	return status;
}

int sandboxes_check_all(const char *command, bool all, int count, struct sandbox_error *error)
{
	if (all == (count == 0))
		return 0;
	error_set(error, 0, all ? "%s --all, and sandboxes by name" : "%s: SANDBOX is missing", command);
	error_cause(error, SANDBOX_E_USAGE, "%s", all ? "all are meant, or those that are named" : "none is named");
	return error_fix(error, "name sandboxes, or --all for all that run");
}

int sandboxes_signal(const char *option, const char *text, int usual, struct sandbox_error *error)
{
	int number = text ? signal_parse(text) : usual;

	if (number > 0 || !text)
		return number;
	error_set(error, 0, "--%s %s", option, text);
	error_cause(error, SANDBOX_E_USAGE, "there is no such signal");
	return error_fix(error, "give a name or a number, such as TERM or 15");
}

int sandboxes_print_line(void *context, const struct sandbox_log_line *line)
{
	FILE *stream = line->stream == 1 ? stdout : stderr;

	(void)context;
	(void)fwrite(line->text, 1, line->size, stream);
	return fflush(stream) == 0 ? 0 : -1;
}

int sandboxes_moment(const char *option, const char *text, bool *out_has, int64_t *out, struct sandbox_error *error)
{
	auto_free char *shown = text ? text_escape(text) : NULL;

	*out_has = text != NULL;
	if (!text || moment_parse(text, moment_now(), out))
		return 0;
	error_set(error, 0, "--%s %s", option, shown);
	error_cause(error, SANDBOX_E_USAGE, "it is not a time");
	return error_fix(error, "give one such as 10m (ago), 2026-01-31T12:00:00Z, or seconds since 1970");
}

/* The largest of them that fits. */
static const struct {
	int64_t seconds;
	const char *one, *many;
} units[] = {
	{INT64_C(365) * 86400, "year", "years"},
	{INT64_C(30) * 86400, "month", "months"},
	{INT64_C(7) * 86400, "week", "weeks"},
	{86400, "day", "days"},
	{3600, "hour", "hours"},
	{60, "minute", "minutes"},
	{1, "second", "seconds"},
};

char *sandboxes_age(int64_t since)
{
	int64_t seconds = (int64_t)time(NULL) - since;

	for (size_t i = 0; i < array_count(units); i++) {
		int64_t count = seconds / units[i].seconds;

		if (count > 0)
			return memory_format("%lld %s", (long long)count, count == 1 ? units[i].one : units[i].many);
	}
	return memory_text("less than a second");
}

char *sandboxes_status(const struct sandbox_entry *entry)
{
	auto_free char *age = sandboxes_age(entry->status == SANDBOX_EXITED ? entry->ended : entry->started);

	switch (entry->status) {
	case SANDBOX_RUNNING:
		return memory_format("Up %s", age);
	case SANDBOX_CREATED:
		return memory_text("Created");
	case SANDBOX_EXITED:
		return memory_format("Exited (%d) %s ago", sandbox_result_exit_status(&entry->result), age);
	default:
		return memory_text("Dead");
	}
}
