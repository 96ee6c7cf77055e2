/* sandbox events */
#include <sandbox/life.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/scope.h"
#include "base/text.h"
#include "cli/command.h"
#include "cli/filter.h"
#include "cli/output.h"
#include "cli/sandboxes.h"

struct events_options {
	char *since;
	char *until;
	struct sandbox_strings filters;
};

#define FIELD(name) offsetof(struct events_options, name)

static const struct option_entry events_table[] = {
	{OPTION_LIST, "filter", 'f', "KEY=VALUE", "only those with this event, id, name or image", FIELD(filters)},
	{OPTION_TEXT, "since", 0, "TIME", "begin then: 10m, 2026-01-31T12:00 (default: now)", FIELD(since)},
	{OPTION_TEXT, "until", 0, "TIME", "end then; 0s: with those that there are (default: never)", FIELD(until)},
	{OPTION_ABSENT, "format", .help = "leave it out: each event is a line of JSON"},
	{OPTION_END},
};

static void events_options_finish(struct events_options *options)
{
	free(options->since);
	free(options->until);
	sandbox_strings_finish(&options->filters);
}

static bool is_event(const void *item, const char *value)
{
	return strcmp(((const struct sandbox_event *)item)->event, value) == 0;
}

static bool has_id(const void *item, const char *value)
{
	return text_starts_with(((const struct sandbox_event *)item)->id, value);
}

static bool has_name(const void *item, const char *value)
{
	const struct sandbox_event *event = item;

	return event->name && strcmp(event->name, value) == 0;
}

static bool has_image(const void *item, const char *value)
{
	const struct sandbox_event *event = item;

	return event->image && strcmp(event->image, value) == 0;
}

static const struct filter_key events_keys[] = {
	{"event", is_event, sandbox_event_names, false},
	{"id", has_id, NULL, false},
	{"name", has_name, NULL, false},
	{"image", has_image, NULL, false},
	{.name = NULL},
};

static int print_event(void *context, const struct sandbox_event *event)
{
	const struct events_options *options = context;

	if (!filters_match(&options->filters, events_keys, event))
		return 0;
	return printf("%s\n", event->line) < 0 || fflush(stdout) != 0 ? -1 : 0;
}

static int read_options(int argc, char **argv, struct events_options *options, struct sandbox_events_options *out,
	bool *out_done, struct sandbox_error *error)
{
	int operands, result = command_parse(&command_events, options, argc, argv, 0, 0, &operands, out_done, error);

	if (result == 0)
		result = filters_check(&options->filters, events_keys, error);
	if (result == 0)
		result = sandboxes_moment("since", options->since, &out->has_since, &out->since, error);
	return result < 0 ? result : sandboxes_moment("until", options->until, &out->has_until, &out->until, error);
}

static int run_events(const struct cli *cli, int argc, char **argv)
{
	const struct sandbox_locations locations = {cli->store, cli->state, cli->runtime};
	auto_finish(events_options_finish) struct events_options options = {.since = NULL};
	struct sandbox_events_options wanted = {.event = print_event, .context = &options};
	struct sandbox_error error = {0};
	bool done;

	if (read_options(argc, argv, &options, &wanted, &done, &error) < 0)
		return output_error(&error);
	if (done)
		return 0;
	return sandbox_events(&locations, &wanted, &error) < 0 && *error.text ? output_error(&error) : 0;
}

const struct command command_events = {
	.name = "events",
	.operands = "",
	.summary = "print what happens to sandboxes, a JSON object a line",
	.options = events_table,
	.run = run_events,
};
