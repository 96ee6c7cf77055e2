/* sandbox images */
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "base/json.h"
#include "base/memory.h"
#include "base/scope.h"
#include "base/strings.h"
#include "base/text.h"
#include "cli/command.h"
#include "cli/output.h"
#include "image/record.h"
#include "image/store.h"

enum { DIGEST_SHOWN = 12 };

struct images_options {
	bool json;
	bool quiet;
};

static const struct option_entry images_table[] = {
	{OPTION_FLAG, "json", 0, NULL, "everything, as JSON", offsetof(struct images_options, json)},
	{OPTION_FLAG, "quiet", 'q', NULL, "only the digests", offsetof(struct images_options, quiet)},
	{OPTION_END},
};

static void strings_release(struct sandbox_strings *strings)
{
	sandbox_strings_finish(strings);
}

static void format_time(int64_t seconds, char *out, size_t size)
{
	time_t moment = (time_t)seconds;
	struct tm local;

	if (!localtime_r(&moment, &local) || !strftime(out, size, "%Y-%m-%d %H:%M", &local))
		(void)snprintf(out, size, "?");
}

static void add_row(struct output_table *table, const struct image_record *record, const char *name)
{
	char digest[DIGEST_SHOWN + 1], size[24], entries[24], created[32];

	(void)snprintf(digest, sizeof(digest), "%.*s", DIGEST_SHOWN, record->digest.hex);
	(void)snprintf(entries, sizeof(entries), "%llu", (unsigned long long)record->counts.entries);
	format_time(record->created, created, sizeof(created));
	output_table_cell(table, name);
	output_table_cell(table, digest);
	output_table_cell(table, text_format_size(record->counts.apparent_bytes, size, sizeof(size)));
	output_table_cell(table, entries);
	output_table_cell(table, created);
	output_table_cell(table, record->source);
}

static int print_table(struct image_store *store, const struct image_records *records, struct sandbox_error *error)
{
	static const char *const headings[] = {"NAME", "DIGEST", "SIZE", "ENTRIES", "IMPORTED", "FROM"};
	auto_finish(output_table_finish) struct output_table table = {0};

	output_table_start(&table, array_count(headings), headings);
	for (size_t i = 0; i < records->count; i++) {
		auto_finish(strings_release) struct sandbox_strings names = {0};
		int result = store_names_of(store, &records->items[i].digest, &names, error);

		if (result < 0)
			return result;
		if (!names.count)
			add_row(&table, &records->items[i], "-");
		for (size_t j = 0; j < names.count; j++)
			add_row(&table, &records->items[i], names.items[j]);
	}
	output_table_print(&table);
	return 0;
}

static struct json_object *describe(const struct image_record *record, const struct sandbox_strings *names)
{
	struct json_object *object = json_new_object();

	json_add_strings(object, "names", names);
	json_add_string(object, "digest", record->digest.hex);
	json_add_string(object, "diff_id", record->diff.hex);
	json_add_string(object, "source", record->source);
	json_add_string(object, "compression", record->compression);
	json_add_unsigned(object, "imported", record->created < 0 ? 0 : (uint64_t)record->created);
	json_add_unsigned(object, "archive_bytes", record->counts.archive_bytes);
	json_add_unsigned(object, "size", record->counts.apparent_bytes);
	json_add_unsigned(object, "entries", record->counts.entries);
	json_add_unsigned(object, "devices_skipped", record->counts.devices_skipped);
	json_add_unsigned(object, "attributes_dropped", record->counts.attributes_dropped);
	json_add_unsigned(object, "owners_dropped", record->counts.owners_dropped);
	return object;
}

static int print_json(struct image_store *store, const struct image_records *records, struct sandbox_error *error)
{
	struct json_object *array = json_new_array();

	for (size_t i = 0; i < records->count; i++) {
		auto_finish(strings_release) struct sandbox_strings names = {0};
		int result = store_names_of(store, &records->items[i].digest, &names, error);

		if (result < 0) {
			json_free(&array);
			return result;
		}
		json_append(array, describe(&records->items[i], &names));
	}
	output_json(array);
	return 0;
}

static int list_images(const struct cli *cli, const struct images_options *options, struct sandbox_error *error)
{
	auto_finish(image_store_finish) struct image_store store = IMAGE_STORE_INIT;
	auto_finish(image_records_finish) struct image_records records = {0};
	int result = image_store_open(cli->store, &store, error);

	if (result == 0)
		result = image_records_load(store.root, &records, error);
	if (result < 0)
		return result;
	if (options->json)
		return print_json(&store, &records, error);
	if (!options->quiet)
		return print_table(&store, &records, error);
	for (size_t i = 0; i < records.count; i++)
		printf("sha256:%s\n", records.items[i].digest.hex);
	return 0;
}

static int run_images(const struct cli *cli, int argc, char **argv)
{
	struct images_options options = {0};
	struct sandbox_error error = {0};
	int operands;
	bool done;

	if (command_parse(&command_images, &options, argc, argv, 0, 0, &operands, &done, &error) < 0)
		return output_error(&error);
	if (done)
		return 0;
	return list_images(cli, &options, &error) < 0 ? output_error(&error) : 0;
}

const struct command command_images = {
	.name = "images",
	.operands = "",
	.summary = "list the images in the store",
	.options = images_table,
	.run = run_images,
};
