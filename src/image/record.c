#include "image/record.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "base/directory.h"
#include "base/file.h"
#include "base/json.h"
#include "base/log.h"
#include "base/memory.h"
#include "base/scope.h"
#include "base/text.h"
#include "image/store.h"

/* Version 1 had one layer, whose tree was its diff id. */
enum { RECORD_SIZE_MAX = 4 << 20, RECORD_VERSION = 2 };

/* The counts by their names in the record. */
static const struct count_field {
	const char *key;
	size_t offset;
} count_fields[] = {
	{"archive_bytes", offsetof(struct import_counts, archive_bytes)},
	{"stream_bytes", offsetof(struct import_counts, stream_bytes)},
	{"apparent_bytes", offsetof(struct import_counts, apparent_bytes)},
	{"entries", offsetof(struct import_counts, entries)},
	{"files", offsetof(struct import_counts, files)},
	{"directories", offsetof(struct import_counts, directories)},
	{"symlinks", offsetof(struct import_counts, symlinks)},
	{"hard_links", offsetof(struct import_counts, hard_links)},
	{"fifos", offsetof(struct import_counts, fifos)},
	{"devices_skipped", offsetof(struct import_counts, devices_skipped)},
	{"attributes_dropped", offsetof(struct import_counts, attributes_dropped)},
	{"owners_dropped", offsetof(struct import_counts, owners_dropped)},
};

void image_record_finish(struct image_record *record)
{
	free(record->source);
	free(record->layers);
	image_config_finish(&record->config);
	*record = (struct image_record){0};
}

void image_record_add_layer(struct image_record *record, const struct digest *diff, const struct digest *tree,
	bool opaque)
{
	record->layers = memory_resize(record->layers, record->layer_count + 1, sizeof(*record->layers));
	record->layers[record->layer_count++] = (struct image_layer){*diff, *tree, opaque};
}

bool image_record_has_layer(const struct image_record *record, const char *layer)
{
	for (size_t i = 0; i < record->layer_count; i++)
		if (text_starts_with(layer, record->layers[i].tree.hex) && layer[DIGEST_HEX_SIZE - 1] == '-')
			return true;
	return false;
}

enum { RECORD_PATH_SIZE = sizeof("images/.json") + DIGEST_HEX_SIZE, USED_RESOLUTION = 60 };

static void record_path(const char *digest, char out[RECORD_PATH_SIZE])
{
	(void)snprintf(out, RECORD_PATH_SIZE, "images/%s.json", digest);
}

static int record_read(int directory, const char *name, struct json_object **out, struct sandbox_error *error)
{
	auto_free char *text = NULL;
	uint64_t version;
	size_t size;
	int result = file_read(directory, name, RECORD_SIZE_MAX, &text, &size, error);

	if (result == 0)
		result = json_parse(text, size, name, out, error);
	if (result == 0)
		result = json_get_unsigned(*out, name, "version", false, RECORD_VERSION, &version, error);
	return result;
}

static int record_write(int store, const char *name, struct json_object *record, struct sandbox_error *error)
{
	auto_free char *text = NULL;

	json_add_unsigned(record, "version", RECORD_VERSION);
	text = json_text(record);
	/* Escapes make it longer than what it says; a record that is not read again would hide its image for good. */
	if (strlen(text) > RECORD_SIZE_MAX) {
		(void)error_set(error, EFBIG, "write the record of the image");
		(void)error_cause(error, SANDBOX_E_ARCHIVE_LIMIT, "its configuration would take more than %d bytes",
			RECORD_SIZE_MAX);
		return error_fix(error, "do not trust an image that says so much");
	}
	return staging_replace_file(store, name, text, strlen(text), false, error);
}

/* Whatever is wrong inside of a layer's record, the layer is as good as absent; only a failing system call is not. */
static int record_absent(int result, const char *name, const struct sandbox_error *problem, struct sandbox_error *error)
{
	if (result == -EINVAL || result == -ERANGE || result == -EFBIG) {
		log_debug("ignored the record %s: %s", name, problem->text);
		return error_set(error, ENOENT, "open %s", name);
	}
	if (error)
		*error = *problem;
	return result;
}

static int get_digest(struct json_object *root, const char *name, const char *key, struct digest *out,
	struct sandbox_error *error)
{
	const char *text;
	int result = json_get_string(root, name, key, false, &text, error);

	if (result < 0)
		return result;
	if (!digest_is_valid(text))
		return error_set(error, EINVAL, "%s.%s: not a digest", name, key);
	memcpy(out->hex, text, sizeof(out->hex));
	return 0;
}

/* Empty when there is none. */
static int get_archive(struct json_object *root, const char *name, struct digest *out, struct sandbox_error *error)
{
	const char *text = NULL;
	int result = json_get_string(root, name, "archive", true, &text, error);

	out->hex[0] = '\0';
	return result < 0 || !text ? result : get_digest(root, name, "archive", out, error);
}

static int get_layers(struct json_object *root, const char *name, struct image_record *out, struct sandbox_error *error)
{
	struct json_object *layers = NULL;
	struct image_layer layer;
	int result = json_get_array(root, name, "layers", true, &layers, error);

	if (result == 0 && !layers) {
		result = get_digest(root, name, "diff_id", &layer.diff, error);
		if (result == 0)
			image_record_add_layer(out, &layer.diff, &layer.diff, false);
		return result;
	}
	for (size_t i = 0; result == 0 && i < json_length(layers); i++) {
		struct json_object *item = json_item(layers, i);

		uint64_t opaque = 0;

		result = get_digest(item, name, "diff_id", &layer.diff, error);
		if (result == 0)
			result = get_digest(item, name, "tree", &layer.tree, error);
		if (result == 0)
			result = json_get_unsigned(item, name, "opaque", true, 1, &opaque, error);
		if (result == 0)
			image_record_add_layer(out, &layer.diff, &layer.tree, opaque);
	}
	return result == 0 && !out->layer_count ? error_set(error, EINVAL, "%s.layers: empty", name) : result;
}

static int get_counts(struct json_object *object, const char *name, struct import_counts *out,
	struct sandbox_error *error)
{
	int result = 0;

	for (size_t i = 0; i < array_count(count_fields) && result == 0; i++)
		result = json_get_unsigned(object, name, count_fields[i].key, false, UINT64_MAX,
			(uint64_t *)((char *)out + count_fields[i].offset), error);
	return result;
}

static struct json_object *describe_counts(const struct import_counts *counts)
{
	struct json_object *object = json_new_object();

	for (size_t i = 0; i < array_count(count_fields); i++)
		json_add_unsigned(object, count_fields[i].key,
			*(const uint64_t *)((const char *)counts + count_fields[i].offset));
	return object;
}

static int image_record_fields(struct json_object *root, const char *name, struct image_record *out,
	struct sandbox_error *error)
{
	const char *source = "", *compression = "";
	uint64_t created = 0, committed = 0;
	struct json_object *counts, *config = NULL;
	int result = get_digest(root, name, "digest", &out->digest, error);

	if (result == 0)
		result = get_archive(root, name, &out->archive, error);
	if (result == 0)
		result = get_layers(root, name, out, error);
	if (result == 0)
		result = json_get_string(root, name, "source", false, &source, error);
	if (result == 0)
		result = json_get_string(root, name, "compression", false, &compression, error);
	if (result == 0)
		result = json_get_unsigned(root, name, "created", false, INT64_MAX, &created, error);
	if (result == 0)
		result = json_get_unsigned(root, name, "committed", true, 1, &committed, error);
	if (result == 0)
		result = json_get_object(root, name, "counts", false, &counts, error);
	if (result == 0)
		result = json_get_object(root, name, "config", true, &config, error);
	if (result == 0 && config)
		result = image_config_read(config, name, &out->config, error);
	if (result == 0)
		result = get_counts(counts, name, &out->counts, error);
	if (result < 0)
		return result;
	out->created = (int64_t)created;
	out->committed = committed;
	(void)snprintf(out->compression, sizeof(out->compression), "%s", compression);
	out->source = memory_text(source);
	return 0;
}

/* What a file is whose content never came to the disk; some file systems fill it with zeros. */
static bool is_blank(int store, const char *name)
{
	auto_free char *text = NULL;
	size_t size = 0;

	if (file_read(store, name, RECORD_SIZE_MAX, &text, &size, NULL) < 0)
		return false;
	for (size_t i = 0; i < size; i++)
		if (text[i])
			return false;
	return true;
}

static int explain_damage(int store, const char *name, const char *digest, const struct sandbox_error *problem,
	struct sandbox_error *error)
{
	if (is_blank(store, name)) {
		log_debug("ignored %s, which a power cut left empty", name);
		return error_set(error, ENOENT, "open %s", name);
	}
	(void)error_set(error, 0, "read the record of the image sha256:%.12s", digest);
	(void)error_cause(error, SANDBOX_E_IMAGE_DAMAGED, "%.250s; what it needs is kept, whatever that is", problem->text);
	(void)error_fix(error, "sandbox rmi -f sha256:%.12s", digest);
	return -EUCLEAN;
}

int image_record_load(int store, const char *digest, struct image_record *out, struct sandbox_error *error)
{
	auto_finish(json_free) struct json_object *root = NULL;
	char name[RECORD_PATH_SIZE];
	struct image_record record = {0};
	struct sandbox_error problem = {0};
	struct stat status;
	int result;

	record_path(digest, name);
	result = record_read(store, name, &root, &problem);
	if (result == 0)
		result = image_record_fields(root, name, &record, &problem);
	if (result == 0 && strcmp(record.digest.hex, digest) != 0)
		result = error_set(&problem, EINVAL, "%s: is about another image", name);
	if (result < 0) {
		image_record_finish(&record);
		if (result == -EINVAL || result == -ERANGE || result == -EFBIG)
			return explain_damage(store, name, digest, &problem, error);
		if (error)
			*error = problem;
		return result;
	}
	if (fstatat(store, name, &status, AT_SYMLINK_NOFOLLOW) == 0)
		record.used = (int64_t)status.st_mtim.tv_sec;
	*out = record;
	return 0;
}

static struct json_object *describe_layers(const struct image_record *record)
{
	struct json_object *array = json_new_array();

	for (size_t i = 0; i < record->layer_count; i++) {
		struct json_object *layer = json_new_object();

		json_add_string(layer, "diff_id", record->layers[i].diff.hex);
		json_add_string(layer, "tree", record->layers[i].tree.hex);
		if (record->layers[i].opaque)
			json_add_unsigned(layer, "opaque", 1);
		json_append(array, layer);
	}
	return array;
}

int image_record_save(int store, const struct image_record *record, struct sandbox_error *error)
{
	auto_finish(json_free) struct json_object *root = json_new_object();
	char name[RECORD_PATH_SIZE];

	json_add_string(root, "digest", record->digest.hex);
	if (record->archive.hex[0])
		json_add_string(root, "archive", record->archive.hex);
	json_add(root, "layers", describe_layers(record));
	json_add_string(root, "source", record->source);
	json_add_string(root, "compression", record->compression);
	json_add_unsigned(root, "created", record->created < 0 ? 0 : (uint64_t)record->created);
	json_add(root, "counts", describe_counts(&record->counts));
	if (record->committed)
		json_add_unsigned(root, "committed", 1);
	json_add(root, "config", image_config_describe(&record->config));
	record_path(record->digest.hex, name);
	return record_write(store, name, root, error);
}

bool image_record_exists(int store, const char *digest)
{
	char name[RECORD_PATH_SIZE];

	record_path(digest, name);
	return faccessat(store, name, F_OK, AT_SYMLINK_NOFOLLOW) == 0;
}

int image_record_remove(int store, const struct digest *digest, struct sandbox_error *error)
{
	char name[RECORD_PATH_SIZE];

	record_path(digest->hex, name);
	if (unlinkat(store, name, 0) < 0 && errno != ENOENT)
		return error_set(error, errno, "remove %s", name);
	return 0;
}

void image_record_touch(int store, const struct image_record *record)
{
	char name[RECORD_PATH_SIZE];

	if (time(NULL) - record->used < USED_RESOLUTION)
		return;
	record_path(record->digest.hex, name);
	(void)utimensat(store, name, NULL, AT_SYMLINK_NOFOLLOW);
}

static int compare_created(const void *left, const void *right)
{
	const struct image_record *a = left, *b = right;

	return a->created != b->created ? (a->created > b->created) - (a->created < b->created) :
		strcmp(a->digest.hex, b->digest.hex);
}

int image_records_load(int store, struct image_records *out, struct sandbox_error *error)
{
	auto_finish(image_records_finish) struct image_records records = {0};
	int directory = file_open_directory(store, "images", error);
	auto_closedir DIR *stream = directory_read(directory);
	const char *name;

	if (!stream)
		return directory < 0 ? directory : error_set(error, errno, "list the images of the store");
	while ((name = directory_next(stream))) {
		char digest[DIGEST_HEX_SIZE];
		struct image_record record = {0};
		struct sandbox_error problem = {0};
		int result;

		(void)snprintf(digest, sizeof(digest), "%.*s", (int)sizeof(digest) - 1, name);
		if (!digest_is_valid(digest) || strcmp(name + sizeof(digest) - 1, ".json") != 0)
			continue;
		result = image_record_load(store, digest, &record, &problem);
		if (result == -EUCLEAN) {
			records.why = records.damaged.count ? records.why : problem;
			sandbox_strings_add(&records.damaged, digest);
		} else if (result < 0 && result != -ENOENT) {
			if (error)
				*error = problem;
			return result;
		}
		/* One that another process removes at this moment is not an error. */
		if (result < 0)
			continue;
		records.items = memory_resize(records.items, records.count + 1, sizeof(*records.items));
		records.items[records.count++] = record;
	}
	if (errno)
		return error_set(error, errno, "list the images of the store");
	if (records.count)
		qsort(records.items, records.count, sizeof(*records.items), compare_created);
	*out = records;
	records = (struct image_records){0};
	return 0;
}

void image_records_finish(struct image_records *records)
{
	for (size_t i = 0; i < records->count; i++)
		image_record_finish(&records->items[i]);
	free(records->items);
	sandbox_strings_finish(&records->damaged);
	*records = (struct image_records){0};
}

int image_records_check(const struct image_records *records, struct sandbox_error *error)
{
	if (!records->damaged.count)
		return 0;
	if (error)
		*error = records->why;
	return -EUCLEAN;
}

static void read_line(const char *path, char *out, size_t size)
{
	auto_free char *text = NULL;

	out[0] = '\0';
	if (file_read(AT_FDCWD, path, 4096, &text, NULL, NULL) == 0)
		(void)snprintf(out, size, "%.*s", (int)strcspn(text, "\n"), text);
}

void boot_identity_read(struct boot_identity *out)
{
	read_line("/etc/machine-id", out->machine, sizeof(out->machine));
	read_line("/proc/sys/kernel/random/boot_id", out->boot, sizeof(out->boot));
}

int layer_record_load(int wrapper, struct boot_identity *out, struct sandbox_error *error)
{
	auto_finish(json_free) struct json_object *root = NULL;
	static const char name[] = "layer.json";
	const char *machine = "", *boot = "";
	struct sandbox_error problem = {0};
	int result = record_read(wrapper, name, &root, &problem);

	if (result == 0)
		result = json_get_string(root, name, "machine", false, &machine, &problem);
	if (result == 0)
		result = json_get_string(root, name, "boot", false, &boot, &problem);
	if (result < 0)
		return record_absent(result, name, &problem, error);
	(void)snprintf(out->machine, sizeof(out->machine), "%s", machine);
	(void)snprintf(out->boot, sizeof(out->boot), "%s", boot);
	return 0;
}

int layer_record_save(int wrapper, const struct digest *tree, const struct boot_identity *identity,
	struct sandbox_error *error)
{
	auto_finish(json_free) struct json_object *root = json_new_object();
	auto_free char *text = NULL;

	json_add_string(root, "tree", tree->hex);
	json_add_string(root, "machine", identity->machine);
	json_add_string(root, "boot", identity->boot);
	json_add_unsigned(root, "version", RECORD_VERSION);
	text = json_text(root);
	return file_replace(wrapper, "layer.json", text, strlen(text), 0600, error);
}

int layer_counts_load(int wrapper, struct import_counts *out, struct sandbox_error *error)
{
	auto_finish(json_free) struct json_object *root = NULL;
	int result = record_read(wrapper, "counts.json", &root, error);

	return result < 0 ? result : get_counts(root, "counts.json", out, error);
}

int layer_counts_save(int wrapper, const struct import_counts *counts, struct sandbox_error *error)
{
	auto_finish(json_free) struct json_object *root = describe_counts(counts);
	auto_free char *text = NULL;

	json_add_unsigned(root, "version", RECORD_VERSION);
	text = json_text(root);
	return file_replace(wrapper, "counts.json", text, strlen(text), 0600, error);
}

bool image_records_have_size(int store, uint64_t bytes)
{
	auto_finish(image_records_finish) struct image_records records = {0};

	if (image_records_load(store, &records, NULL) < 0)
		return false;
	for (size_t i = 0; i < records.count; i++)
		if (records.items[i].counts.archive_bytes == bytes)
			return true;
	return false;
}
