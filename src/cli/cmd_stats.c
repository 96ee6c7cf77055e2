/* sandbox stats: what sandboxes use, live on a terminal. */
#include <errno.h>
#include <poll.h>
#include <sandbox/steer.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/json.h"
#include "base/memory.h"
#include "base/scope.h"
#include "base/strings.h"
#include "base/text.h"
#include "cli/command.h"
#include "cli/output.h"

enum { INTERVAL_MS = 1000, FIRST_INTERVAL_MS = 250, BAR_WIDTH = 10, SCREEN_SIZE = 1 << 16 };

struct stats_options {
	bool no_stream;
	bool json;
};

static const struct option_entry stats_table[] = {
	{OPTION_FLAG, "no-stream", 0, NULL, "measure once (so anyway where the output is no terminal)",
		offsetof(struct stats_options, no_stream)},
	{OPTION_FLAG, "json", 0, NULL, "measure once, and print it as JSON", offsetof(struct stats_options, json)},
	{OPTION_ABSENT, "all", 'a', .help = "leave it out: what does not run uses nothing"},
	{OPTION_ABSENT, "format", .help = "use --json, and choose from that"},
	{OPTION_ABSENT, "no-trunc", .help = "leave it out: nothing is cut"},
	{OPTION_END},
};

/* Two looks at the same sandboxes, for what is a rate. */
struct look {
	struct sandbox_stats *items;
	size_t count;
};

static void look_finish(struct look *look)
{
	for (size_t i = 0; i < look->count; i++)
		sandbox_stats_finish(&look->items[i]);
	free(look->items);
	*look = (struct look){0};
}

/* Those that are named, where a failure is one; or all that run. */
static int take_look(const struct sandbox_locations *locations, char **references, size_t count, struct look *out,
	struct sandbox_error *error)
{
	auto_finish(sandbox_entries_finish) struct sandbox_entries entries = {0};
	int result = count ? 0 : sandbox_list(locations, false, &entries, error);
	size_t total = count ? count : entries.count;

	for (size_t i = 0; i < total && result == 0; i++) {
		struct sandbox_stats stats;

		result = sandbox_measure(locations, count ? references[i] : entries.items[i].id, &stats, error);
		if (result == 0) {
			out->items = memory_resize(out->items, out->count + 1, sizeof(stats));
			out->items[out->count++] = stats;
		} else if (!count) {
			error_clear(error);
			result = 0;
		}
	}
	return result;
}

static const struct sandbox_stats *find_earlier(const struct look *look, const char *id)
{
	for (size_t i = 0; i < look->count; i++)
		if (strcmp(look->items[i].id, id) == 0)
			return &look->items[i];
	return NULL;
}

/* Per cent of one processor since the earlier look, or -1. */
static double processor_share(const struct sandbox_stats *now, const struct sandbox_stats *earlier)
{
	/* A sum of processes falls when one ends for which nobody waits. */
	if (!earlier || !now->known[SANDBOX_CPU_USAGE] || now->time <= earlier->time || now->counted != earlier->counted ||
	    now->values[SANDBOX_CPU_USAGE] < earlier->values[SANDBOX_CPU_USAGE])
		return -1;
	return 100.0 * (double)(now->values[SANDBOX_CPU_USAGE] - earlier->values[SANDBOX_CPU_USAGE]) /
		(double)(now->time - earlier->time);
}

/* ---- as a table ---- */

static char *format_bar(double share)
{
	char *bar = memory_text("");
	int full = share < 0 ? 0 : share > 1 ? BAR_WIDTH : (int)(share * BAR_WIDTH + 0.5);

	for (int i = 0; i < BAR_WIDTH; i++)
		memory_append(&bar, "%s", i < full ? "#" : ".");
	return bar;
}

static char *format_bytes(const struct sandbox_stats *stats, enum sandbox_measure measure)
{
	char text[32];

	return memory_text(stats->known[measure] ? text_format_size(stats->values[measure], text, sizeof(text)) : "-");
}

/* "12.0 MiB / 64.0 MiB"; "~12.0 MiB / -" where it is a sum of what processes have, shared or not */
static char *format_memory(const struct sandbox_stats *stats)
{
	auto_free char *now = format_bytes(stats, SANDBOX_MEMORY), *limit = format_bytes(stats, SANDBOX_MEMORY_LIMIT);

	return memory_format("%s%s / %s", stats->counted ? "" : "~", now, limit);
}

static char *format_pids(const struct sandbox_stats *stats)
{
	char *text = stats->known[SANDBOX_PIDS] ? memory_format("%llu", (unsigned long long)stats->values[SANDBOX_PIDS])
		: memory_text("-");

	if (stats->known[SANDBOX_PIDS_LIMIT])
		memory_append(&text, " / %llu", (unsigned long long)stats->values[SANDBOX_PIDS_LIMIT]);
	return text;
}

static char *format_io(const struct sandbox_stats *stats)
{
	auto_free char *read = format_bytes(stats, SANDBOX_IO_READ), *written = format_bytes(stats, SANDBOX_IO_WRITTEN);

	return memory_format("%s / %s", read, written);
}

static char *format_milliseconds(const struct sandbox_stats *stats, enum sandbox_measure measure)
{
	return stats->known[measure] ? memory_format("%llu ms", (unsigned long long)stats->values[measure] / 1000)
		: memory_text("-");
}

/* Waiting for processor, memory and disk. */
static char *format_pressure(const struct sandbox_stats *stats)
{
	auto_free char *cpu = format_milliseconds(stats, SANDBOX_PRESSURE_CPU);
	auto_free char *memory = format_milliseconds(stats, SANDBOX_PRESSURE_MEMORY);
	auto_free char *io = format_milliseconds(stats, SANDBOX_PRESSURE_IO);

	return memory_format("%s, %s, %s", cpu, memory, io);
}

static void add_row(struct output_table *table, const struct sandbox_stats *stats, const struct sandbox_stats *earlier)
{
	double share = processor_share(stats, earlier);
	bool limited = stats->known[SANDBOX_MEMORY] && stats->known[SANDBOX_MEMORY_LIMIT] && stats->values[SANDBOX_MEMORY_LIMIT];
	auto_free char *memory = format_memory(stats), *peak = format_bytes(stats, SANDBOX_MEMORY_PEAK);
	auto_free char *pids = format_pids(stats), *io = format_io(stats), *pressure = format_pressure(stats);
	auto_free char *throttled = format_milliseconds(stats, SANDBOX_CPU_THROTTLED);
	auto_free char *cpu = stats->paused ? memory_text("paused") : share < 0 ? memory_text("-")
		: memory_format("%.1f%%", share);
	auto_free char *cpu_bar = format_bar(share / 100);
	auto_free char *memory_bar = format_bar(limited ? (double)stats->values[SANDBOX_MEMORY] /
		(double)stats->values[SANDBOX_MEMORY_LIMIT] : 0);
	const char *const cells[] = {stats->name ? stats->name : stats->id, cpu, cpu_bar, memory, memory_bar, peak, pids, io,
		throttled, pressure};

	for (size_t i = 0; i < array_count(cells); i++)
		output_table_cell(table, cells[i]);
}

static void print_table(const struct look *now, const struct look *earlier)
{
	static const char *const headings[] = {"SANDBOX", "CPU", "", "MEMORY / LIMIT", "", "PEAK", "PIDS", "READ / WRITTEN",
		"THROTTLED", "WAITED: CPU, MEMORY, IO"};
	auto_finish(output_table_finish) struct output_table table = {0};

	output_table_start(&table, array_count(headings), headings);
	for (size_t i = 0; i < now->count; i++)
		add_row(&table, &now->items[i], find_earlier(earlier, now->items[i].id));
	output_table_print(&table);
}

/* ---- as JSON ---- */

static const char *const measure_names[SANDBOX_MEASURE_COUNT] = {
	[SANDBOX_CPU_USAGE] = "cpu_usage_us",
	[SANDBOX_CPU_THROTTLED] = "cpu_throttled_us",
	[SANDBOX_MEMORY] = "memory",
	[SANDBOX_MEMORY_LIMIT] = "memory_limit",
	[SANDBOX_MEMORY_PEAK] = "memory_peak",
	[SANDBOX_PIDS] = "pids",
	[SANDBOX_PIDS_LIMIT] = "pids_limit",
	[SANDBOX_IO_READ] = "io_read_bytes",
	[SANDBOX_IO_WRITTEN] = "io_written_bytes",
	[SANDBOX_PRESSURE_CPU] = "pressure_cpu_us",
	[SANDBOX_PRESSURE_MEMORY] = "pressure_memory_us",
	[SANDBOX_PRESSURE_IO] = "pressure_io_us",
};

static void print_json(const struct look *now)
{
	struct json_object *array = json_new_array();

	for (size_t i = 0; i < now->count; i++) {
		const struct sandbox_stats *stats = &now->items[i];
		struct json_object *object = json_new_object();

		json_add_string(object, "id", stats->id);
		json_add_string(object, "name", stats->name);
		json_add_string(object, "state", stats->paused ? "paused" : "running");
		json_add_string(object, "counted_by", stats->counted ? "group" : "processes");
		for (unsigned int j = 0; j < SANDBOX_MEASURE_COUNT; j++)
			if (stats->known[j])
				json_add_unsigned(object, measure_names[j], stats->values[j]);
		json_append(array, object);
	}
	output_json(array);
}

/* ---- again and again ---- */

static int print_once(const struct sandbox_locations *locations, char **references, size_t count,
	struct sandbox_error *error)
{
	auto_finish(look_finish) struct look earlier = {0}, now = {0};
	int result = take_look(locations, references, count, &earlier, error);

	if (result < 0)
		return result;
	(void)poll(NULL, 0, FIRST_INTERVAL_MS);
	result = take_look(locations, references, count, &now, error);
	if (result == 0)
		print_table(&now, &earlier);
	return result;
}

/* Until a signal ends it, or those that were named have ended. */
static int stream(const struct sandbox_locations *locations, char **references, size_t count, struct sandbox_error *error)
{
	auto_finish(look_finish) struct look earlier = {0};
	int result;

	/* A screen at a time, so that what ends us does not leave the terminal as it is in the middle of one. */
	(void)setvbuf(stdout, NULL, _IOFBF, SCREEN_SIZE);
	for (;;) {
		struct look now = {0};

		result = take_look(locations, references, count, &now, error);
		if (result < 0) {
			look_finish(&now);
			return result;
		}
		/* Home, and then all that stood there goes; what is too wide for the terminal is cut and not wrapped. */
		printf("\033[H\033[J\033[?7l");
		print_table(&now, &earlier);
		printf("\033[?7h");
		if (fflush(stdout) != 0)
			return error_set(error, errno, "write to standard output");
		look_finish(&earlier);
		earlier = now;
		(void)poll(NULL, 0, INTERVAL_MS);
	}
}

static int run_stats(const struct cli *cli, int argc, char **argv)
{
	const struct sandbox_locations locations = {cli->store, cli->state, cli->runtime};
	auto_finish(look_finish) struct look now = {0};
	struct stats_options options = {0};
	struct sandbox_error error = {0};
	int operands, result;
	bool done;

	if (command_parse(&command_stats, &options, argc, argv, 0, -1, &operands, &done, &error) < 0)
		return output_error(&error);
	if (done)
		return 0;
	if (options.json) {
		result = take_look(&locations, argv + operands, (size_t)(argc - operands), &now, &error);
		if (result == 0)
			print_json(&now);
	} else {
		result = (options.no_stream || !isatty(STDOUT_FILENO) ? print_once : stream)(&locations, argv + operands,
			(size_t)(argc - operands), &error);
	}
	return result < 0 ? output_error(&error) : 0;
}

const struct command command_stats = {
	.name = "stats",
	.operands = "[SANDBOX...]",
	.summary = "show what sandboxes use",
	.options = stats_table,
	.run = run_stats,
};
