#include "image/identity.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/directory.h"
#include "base/file.h"
#include "base/json.h"
#include "base/scope.h"
#include "base/strings.h"
#include "image/record.h"
#include "image/store.h"

enum { IDENTITY_SIZE_MAX = 4096, SETTLED_SECONDS = 2 };

struct identity_text {
	char name[64];   /* of the index file */
	char value[160]; /* size and times */
};

static void identity_format(const struct stat *status, struct identity_text *out)
{
	(void)snprintf(out->name, sizeof(out->name), "archives/%llx-%llx.json",
		(unsigned long long)status->st_dev, (unsigned long long)status->st_ino);
	(void)snprintf(out->value, sizeof(out->value), "%lld bytes, mtime %lld.%09ld, ctime %lld.%09ld",
		(long long)status->st_size, (long long)status->st_mtim.tv_sec, status->st_mtim.tv_nsec,
		(long long)status->st_ctim.tv_sec, status->st_ctim.tv_nsec);
}

/* The index entry `name`: its two strings are borrowed from *out_root. 0 or -errno; unreadable is -ENOENT. */
static int identity_read(int directory, const char *name, struct json_object **out_root, const char **out_value,
	const char **out_digest)
{
	auto_free char *text = NULL;
	size_t size;

	if (file_read(directory, name, IDENTITY_SIZE_MAX, &text, &size, NULL) < 0 ||
	    json_parse(text, size, name, out_root, NULL) < 0 ||
	    json_get_string(*out_root, name, "identity", false, out_value, NULL) < 0 ||
	    json_get_string(*out_root, name, "digest", false, out_digest, NULL) < 0 ||
	    !digest_is_valid(*out_digest))
		return -ENOENT;
	return 0;
}

int identity_find(int store, const struct stat *status, struct digest *out)
{
	auto_finish(json_free) struct json_object *root = NULL;
	const char *value, *digest;
	struct identity_text wanted;

	identity_format(status, &wanted);
	if (identity_read(store, wanted.name, &root, &value, &digest) < 0 || strcmp(value, wanted.value) != 0)
		return -ENOENT;
	memcpy(out->hex, digest, sizeof(out->hex));
	return 0;
}

bool identity_is_settled(const struct stat *before, const struct stat *after, const struct timespec *started)
{
	struct identity_text first, last;

	identity_format(before, &first);
	identity_format(after, &last);
	if (strcmp(first.name, last.name) != 0 || strcmp(first.value, last.value) != 0)
		return false;
	return started->tv_sec - before->st_ctim.tv_sec > SETTLED_SECONDS ||
		(started->tv_sec - before->st_ctim.tv_sec == SETTLED_SECONDS &&
			started->tv_nsec >= before->st_ctim.tv_nsec);
}

int identity_record(int store, const struct stat *status, const struct digest *digest, struct sandbox_error *error)
{
	auto_finish(json_free) struct json_object *root = json_new_object();
	auto_free char *text = NULL;
	struct identity_text identity;

	identity_format(status, &identity);
	json_add_string(root, "identity", identity.value);
	json_add_string(root, "digest", digest->hex);
	text = json_text(root);
	return staging_replace_file(store, identity.name, text, strlen(text), false, error);
}

static bool is_archive_of_any(const char *digest, const struct image_records *records)
{
	for (size_t i = 0; i < records->count; i++)
		if (strcmp(records->items[i].digest.hex, digest) == 0 || strcmp(records->items[i].archive.hex, digest) == 0)
			return true;
	return strings_contain(&records->damaged, digest);
}

/* Forgets those with this digest; with NULL, those that none of the records has. */
static int forget(int store, const struct digest *digest, const struct image_records *records, struct sandbox_error *error)
{
	int directory = file_open_directory(store, "archives", error);
	auto_closedir DIR *stream = directory_read(directory);
	const char *name;

	if (!stream)
		return directory < 0 ? directory : error_set(error, errno, "read which archives are known");
	while ((name = directory_next(stream))) {
		auto_finish(json_free) struct json_object *root = NULL;
		const char *value, *found;
		bool meant;

		if (*name == '.' || identity_read(directory, name, &root, &value, &found) < 0)
			continue;
		meant = digest ? strcmp(found, digest->hex) == 0 : !is_archive_of_any(found, records);
		if (meant && unlinkat(directory, name, 0) < 0 && errno != ENOENT)
			return error_set(error, errno, "remove archives/%s", name);
	}
	return errno ? error_set(error, errno, "read which archives are known") : 0;
}

int identity_forget(int store, const struct digest *digest, struct sandbox_error *error)
{
	return forget(store, digest, NULL, error);
}

/* A record that comes meanwhile may lose its mark to this: that costs a hash. */
int identity_collect(int store, struct sandbox_error *error)
{
	auto_finish(image_records_finish) struct image_records records = {.items = NULL};
	int result = image_records_load(store, &records, error);

	return result < 0 ? result : forget(store, NULL, &records, error);
}
