/* sandbox ps */
#include <sandbox/life.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/json.h"
#include "base/memory.h"
#include "base/scope.h"
#include "base/text.h"
#include "cli/command.h"
#include "cli/filter.h"
#include "cli/format.h"
#include "cli/output.h"
#include "cli/sandboxes.h"

enum { COMMAND_SHOWN = 24 };

struct ps_options {
	bool all;
	bool json;
	bool quiet;
	bool no_trunc;
	char *format;
	struct sandbox_strings filters;
};

#define FIELD(name) offsetof(struct ps_options, name)

static const struct option_entry ps_table[] = {
	{OPTION_FLAG, "all", 'a', NULL, "those that do not run, too", FIELD(all)},
	{OPTION_LIST, "filter", 'f', "KEY=VALUE", "only those with this name, id, status, exited, image or label",
		FIELD(filters)},
	{OPTION_TEXT, "format", 0, "FORMAT", "the fields to show: '{{.ID}} {{.Names}}', 'table ...' or json", FIELD(format)},
	{OPTION_FLAG, "json", 0, NULL, "everything, as JSON", FIELD(json)},
	{OPTION_FLAG, "no-trunc", 0, NULL, "the whole command, and where the image is", FIELD(no_trunc)},
	{OPTION_FLAG, "quiet", 'q', NULL, "only the ids", FIELD(quiet)},
	{OPTION_ABSENT, "last", 'n', .help = "leave it out: sandbox ps -a | head"},
	{OPTION_ABSENT, "latest", 'l', .help = "leave it out: sandbox ps -a | head -n 2"},
	{OPTION_ABSENT, "size", 's', .help = "leave it out: `sandbox diff` lists what one has written"},
	{OPTION_END},
};

static void ps_options_finish(struct ps_options *options)
{
	free(options->format);
	sandbox_strings_finish(&options->filters);
}

/* ---- which ---- */

static bool has_name(const void *item, const char *value)
{
	const struct sandbox_entry *entry = item;

	return entry->name && strstr(entry->name, value);
}

static bool has_id(const void *item, const char *value)
{
	const struct sandbox_entry *entry = item;

	return text_starts_with(entry->id, value);
}

static bool has_status(const void *item, const char *value)
{
	const struct sandbox_entry *entry = item;

	return strcmp(sandbox_status_name(entry->status), value) == 0;
}

static bool has_exited(const void *item, const char *value)
{
	const struct sandbox_entry *entry = item;
	uint64_t status;

	return entry->status == SANDBOX_EXITED && text_parse_unsigned(value, UINT8_MAX, &status) &&
		(uint64_t)sandbox_result_exit_status(&entry->result) == status;
}

static const char *image_file(const struct sandbox_entry *entry)
{
	const char *slash = strrchr(entry->image, '/');

	return slash && slash[1] ? slash + 1 : entry->image;
}

/* By what it was called, its file, or the beginning of its digest. */
static bool has_image(const void *item, const char *value)
{
	const struct sandbox_entry *entry = item;
	const char *digits = text_starts_with(value, "sha256:") ? value + strlen("sha256:") : value;

	return strcmp(entry->image, value) == 0 || strcmp(image_file(entry), value) == 0 ||
		(*digits && entry->digest && text_starts_with(entry->digest, digits));
}

/* A key alone is that label with any value. */
static bool has_label(const void *item, const char *value)
{
	const struct sandbox_entry *entry = item;
	size_t length = strlen(value);

	for (size_t i = 0; i < entry->labels.count; i++) {
		const char *label = entry->labels.items[i];

		if (strcmp(label, value) == 0)
			return true;
		if (!strchr(value, '=') && strncmp(label, value, length) == 0 && label[length] == '=')
			return true;
	}
	return false;
}

static const char *const status_words[] = {"created", "running", "exited", "dead", NULL};

static const struct filter_key ps_keys[] = {
	{"name", has_name, NULL, false},
	{"id", has_id, NULL, false},
	{"status", has_status, status_words, false},
	{"exited", has_exited, NULL, false},
	{"image", has_image, NULL, false},
	{"ancestor", has_image, NULL, false},
	{"label", has_label, NULL, true},
	{.name = NULL},
};

static void leave_out(struct sandbox_entries *entries, const struct sandbox_strings *filters)
{
	size_t kept = 0;

	for (size_t i = 0; i < entries->count; i++)
		if (filters_match(filters, ps_keys, &entries->items[i]))
			entries->items[kept++] = entries->items[i];
		else
			sandbox_entry_finish(&entries->items[i]);
	entries->count = kept;
}

/* ---- fields: each returns a text that the caller frees ---- */

static char *show_id(const struct sandbox_entry *entry, bool whole)
{
	(void)whole;
	return memory_text(entry->id);
}

static char *show_name(const struct sandbox_entry *entry, bool whole)
{
	(void)whole;
	return memory_text(entry->name ? entry->name : "");
}

static char *show_image(const struct sandbox_entry *entry, bool whole)
{
	return memory_text(whole ? entry->image : image_file(entry));
}

static char *show_digest(const struct sandbox_entry *entry, bool whole)
{
	(void)whole;
	return entry->digest ? memory_format("sha256:%s", entry->digest) : memory_text("");
}

static char *show_command(const struct sandbox_entry *entry, bool whole)
{
	char *line = memory_text(entry->command.count ? entry->command.items[0] : "(the image's)");

	for (size_t i = 1; i < entry->command.count; i++)
		memory_append(&line, " %s", entry->command.items[i]);
	return whole ? line : text_shorten(line, COMMAND_SHOWN);
}

static char *show_created(const struct sandbox_entry *entry, bool whole)
{
	time_t moment = (time_t)entry->created;
	char text[64];
	struct tm utc;

	(void)whole;
	if (!gmtime_r(&moment, &utc) || !strftime(text, sizeof(text), "%Y-%m-%dT%H:%M:%SZ", &utc))
		return memory_text("?");
	return memory_text(text);
}

static char *show_running_for(const struct sandbox_entry *entry, bool whole)
{
	auto_free char *age = sandboxes_age(entry->created);

	(void)whole;
	return memory_format("%s ago", age);
}

static char *show_status(const struct sandbox_entry *entry, bool whole)
{
	(void)whole;
	return sandboxes_status(entry);
}

static char *show_state(const struct sandbox_entry *entry, bool whole)
{
	(void)whole;
	return memory_text(sandbox_status_name(entry->status));
}

static char *show_exit_code(const struct sandbox_entry *entry, bool whole)
{
	(void)whole;
	return entry->status == SANDBOX_EXITED ? memory_format("%d", sandbox_result_exit_status(&entry->result))
		: memory_text("");
}

static char *show_labels(const struct sandbox_entry *entry, bool whole)
{
	char *line = memory_text("");

	(void)whole;
	for (size_t i = 0; i < entry->labels.count; i++)
		memory_append(&line, "%s%s", i ? "," : "", entry->labels.items[i]);
	return line;
}

static const struct format_field ps_fields[] = {
	{"ID", "ID"},
	{"Names", "NAME"},
	{"Image", "IMAGE"},
	{"Digest", "DIGEST"},
	{"Command", "COMMAND"},
	{"CreatedAt", "CREATED AT"},
	{"RunningFor", "CREATED"},
	{"Status", "STATUS"},
	{"State", "STATE"},
	{"ExitCode", "EXIT CODE"},
	{"Labels", "LABELS"},
	{NULL, NULL},
};

/* In the same order. */
static char *(*const ps_values[])(const struct sandbox_entry *entry, bool whole) = {show_id, show_name, show_image,
	show_digest, show_command, show_created, show_running_for, show_status, show_state, show_exit_code, show_labels};
enum { FIELDS = array_count(ps_values) };
_Static_assert(array_count(ps_fields) == FIELDS + 1, "each field has a value");

static const char usual_format[] =
	"table {{.ID}}\t{{.Image}}\t{{.Command}}\t{{.RunningFor}}\t{{.Status}}\t{{.Names}}";

static void print_row(struct format *format, const struct sandbox_entry *entry, bool whole)
{
	char *values[FIELDS];

	for (size_t i = 0; i < FIELDS; i++)
		values[i] = ps_values[i](entry, whole);
	format_row(format, (const char *const *)values);
	for (size_t i = 0; i < FIELDS; i++)
		free(values[i]);
}

static void print_rows(const struct sandbox_entries *entries, struct format *format, bool whole)
{
	for (size_t i = 0; i < entries->count; i++)
		print_row(format, &entries->items[i], whole);
	format_end(format);
}

static struct json_object *describe(const struct sandbox_entry *entry)
{
	struct json_object *object = json_new_object();

	json_add_string(object, "id", entry->id);
	json_add_string(object, "name", entry->name);
	json_add_string(object, "image", entry->image);
	json_add_string(object, "digest", entry->digest);
	json_add_strings(object, "command", &entry->command);
	json_add_pairs(object, "labels", &entry->labels);
	json_add_boolean(object, "kept", entry->kept);
	json_add_string(object, "status", sandbox_status_name(entry->status));
	json_add_unsigned(object, "created", (uint64_t)entry->created);
	if (entry->status == SANDBOX_EXITED) {
		json_add_unsigned(object, "ended", (uint64_t)entry->ended);
		json_add_unsigned(object, "exit_status", (uint64_t)sandbox_result_exit_status(&entry->result));
	}
	return object;
}

static void print_json(const struct sandbox_entries *entries)
{
	struct json_object *array = json_new_array();

	for (size_t i = 0; i < entries->count; i++)
		json_append(array, describe(&entries->items[i]));
	output_json(array);
}

static void print_ids(const struct sandbox_entries *entries)
{
	for (size_t i = 0; i < entries->count; i++)
		printf("%s\n", entries->items[i].id);
}

static int refuse_both(struct sandbox_error *error)
{
	error_set(error, 0, "--format with --quiet or --json");
	error_cause(error, SANDBOX_E_USAGE, "each of them says what is shown");
	return error_fix(error, "leave one of them out; --format json prints an object a line, --format '{{.ID}}' the ids");
}

static int read_options(int argc, char **argv, struct ps_options *options, struct format *format, bool *out_done,
	struct sandbox_error *error)
{
	int operands, result = command_parse(&command_ps, options, argc, argv, 0, 0, &operands, out_done, error);

	if (result == 0 && options->format && (options->quiet || options->json))
		result = refuse_both(error);
	if (result == 0)
		result = filters_check(&options->filters, ps_keys, error);
	return result < 0 ? result : format_parse(options->format ? options->format : usual_format, ps_fields, format, error);
}

static int run_ps(const struct cli *cli, int argc, char **argv)
{
	const struct sandbox_locations locations = {cli->store, cli->state, cli->runtime};
	auto_finish(sandbox_entries_finish) struct sandbox_entries entries = {0};
	auto_finish(ps_options_finish) struct ps_options options = {.all = false};
	auto_finish(format_finish) struct format format = {0};
	struct sandbox_error error = {0};
	bool all, done;

	if (read_options(argc, argv, &options, &format, &done, &error) < 0)
		return output_error(&error);
	if (done)
		return 0;
	/* Who asks for an end means those that have one. */
	all = options.all || filters_have(&options.filters, "status") || filters_have(&options.filters, "exited");
	if (sandbox_list(&locations, all, &entries, &error) < 0)
		return output_error(&error);
	leave_out(&entries, &options.filters);
	if (options.json)
		print_json(&entries);
	else if (options.quiet)
		print_ids(&entries);
	else
		print_rows(&entries, &format, options.no_trunc);
	return 0;
}

const struct command command_ps = {
	.name = "ps",
	.operands = "",
	.summary = "list the sandboxes that have a name, are kept or were detached",
	.options = ps_table,
	.run = run_ps,
};
