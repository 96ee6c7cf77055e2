/*
 * The names of images: names/NAME holds the digest of the image that is called so, a file for each, so that finding one
 * costs the same however many there are. In the file's name '%' stands for '/', which names may have and files may not.
 *
 * Several names change together: all changes are written down in names/.pending, by one rename(2), and then carried
 * out. Whoever comes upon such a file, because its writer died, believes it more than the files of the names; the next
 * one that changes names carries it out.
 */
#include "image/store.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <unistd.h>

#include "base/directory.h"
#include "base/file.h"
#include "base/memory.h"
#include "base/scope.h"
#include "base/test_switch.h"
#include "image/record.h"

enum { PENDING_SIZE_MAX = 1 << 20, NAME_PATH_SIZE = IMAGE_NAME_MAX + sizeof("names/") };

static const char pending_path[] = "names/.pending";

#define NAME_LETTERS "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789"

/* "library", "localhost:5000", "debian:12" */
static bool component_is_valid(const char *text, size_t length)
{
	return length && strchr(NAME_LETTERS, text[0]) && strspn(text, NAME_LETTERS "._:-") >= length;
}

bool image_name_is_valid(const char *name)
{
	size_t length = strlen(name);

	if (length == 0 || length > IMAGE_NAME_MAX || strncmp(name, "sha256:", 7) == 0)
		return false;
	for (const char *part = name;; part += strcspn(part, "/") + 1) {
		if (!component_is_valid(part, strcspn(part, "/")))
			return false;
		if (!strchr(part, '/'))
			break;
	}
	return length < 12 || strspn(name, "0123456789abcdef") != length;
}

static void name_path(const char *name, char out[NAME_PATH_SIZE])
{
	(void)snprintf(out, NAME_PATH_SIZE, "names/%s", name);
	for (char *byte = out + strlen("names/"); *byte; byte++)
		if (*byte == '/')
			*byte = '%';
}

static int refuse_name(const char *name, struct sandbox_error *error)
{
	(void)error_set(error, 0, "\"%.128s\" cannot be the name of an image", name);
	error_cause(error, SANDBOX_E_USAGE, "names are of letters, digits and ._:-, perhaps with slashes between them, and "
		"are no digest");
	return error_fix(error, "choose another name, such as debian:12");
}

/* ---- changes ---- */

/* A line of names/.pending, in place: NAME DIGEST, or NAME - for one that is removed. False when it is none. */
static bool split_change(char *line, struct store_name *out)
{
	char *digest = strchr(line, ' ');

	if (!digest)
		return false;
	*digest++ = '\0';
	out->name = line;
	out->digest.hex[0] = '\0';
	if (!image_name_is_valid(line) || (strcmp(digest, "-") != 0 && !digest_is_valid(digest)))
		return false;
	if (*digest != '-')
		memcpy(out->digest.hex, digest, sizeof(out->digest.hex));
	return true;
}

/* What is in names/.pending: 0 and nothing, nearly always. The caller frees. */
static int pending_read(struct image_store *store, char **out, struct sandbox_error *error)
{
	*out = NULL;
	if (faccessat(store->root, pending_path, F_OK, AT_SYMLINK_NOFOLLOW) < 0)
		return errno == ENOENT ? 0 : error_set(error, errno, "look for %s", pending_path);
	if (file_read(store->root, pending_path, PENDING_SIZE_MAX, out, NULL, error) == 0)
		return 0;
	/* It may just have been carried out. */
	if (faccessat(store->root, pending_path, F_OK, AT_SYMLINK_NOFOLLOW) == 0)
		return -EIO;
	error_clear(error);
	return 0;
}

/* Its next change. What cannot be one was written by a machine that lost its power; then nothing of it was done. */
static bool pending_next(char **rest, struct store_name *out)
{
	char *line = *rest ? strsep(rest, "\n") : NULL;

	return line && *line && split_change(line, out);
}

static int carry_out(struct image_store *store, const struct store_name *change, struct sandbox_error *error)
{
	char path[NAME_PATH_SIZE], text[DIGEST_HEX_SIZE + 1];

	name_path(change->name, path);
	if (change->digest.hex[0]) {
		(void)snprintf(text, sizeof(text), "%s\n", change->digest.hex);
		return staging_replace_file(store->root, path, text, strlen(text), true, error);
	}
	if (unlinkat(store->root, path, 0) < 0 && errno != ENOENT)
		return error_set(error, errno, "remove the name %s", change->name);
	return 0;
}

static int carry_out_pending(struct image_store *store, struct sandbox_error *error)
{
	auto_free char *text = NULL;
	struct store_name change;
	int result = pending_read(store, &text, error);
	char *rest = text;

	if (result < 0 || !text)
		return result;
	while (result == 0 && pending_next(&rest, &change)) {
		result = carry_out(store, &change, error);
		test_point("names-changing");
	}
	if (result == 0 && unlinkat(store->root, pending_path, 0) < 0 && errno != ENOENT)
		result = error_set(error, errno, "remove %s", pending_path);
	return result;
}

/* Of names/ as a whole: LOCK_EX for who changes several, LOCK_SH for who lists them. A descriptor or -errno. */
static int lock_names(struct image_store *store, int mode, struct sandbox_error *error)
{
	auto_close int names = file_open_directory(store->root, "names", error);

	if (names < 0)
		return names;
	while (flock(names, mode) < 0)
		if (errno != EINTR)
			return error_set(error, errno, "lock the names of images");
	return take_fd(&names);
}

static bool only_removes(const struct store_name *changes, size_t count)
{
	for (size_t i = 0; i < count; i++)
		if (changes[i].digest.hex[0])
			return false;
	return true;
}

/* What nobody could read again would stand in the way of every other change. */
static int refuse_many(size_t count, struct sandbox_error *error)
{
	(void)error_set(error, E2BIG, "change %zu names of images at once", count);
	(void)error_cause(error, SANDBOX_E_ARCHIVE_LIMIT, "they take more than %d bytes: no archive needs so many",
		PENDING_SIZE_MAX);
	(void)error_fix(error, "do not trust it; or take one of its images without the names: sandbox import --name NAME FILE");
	return -E2BIG;
}

static int write_pending(struct image_store *store, const struct store_name *changes, size_t count,
	struct sandbox_error *error)
{
	auto_free char *text = NULL;
	size_t size = 0, used = 0;

	for (size_t i = 0; i < count; i++)
		size += strlen(changes[i].name) + sizeof(" \n") + DIGEST_HEX_SIZE;
	if (size > PENDING_SIZE_MAX)
		return refuse_many(count, error);
	text = memory_zeroed(size + 1, 1);
	for (size_t i = 0; i < count; i++)
		used += (size_t)snprintf(text + used, size + 1 - used, "%s %s\n", changes[i].name,
			changes[i].digest.hex[0] ? changes[i].digest.hex : "-");
	return staging_replace_file(store->root, pending_path, text, used, true, error);
}

/* A name is always one of an image. */
static int require_image(struct image_store *store, const struct store_name *change, struct sandbox_error *error)
{
	if (!change->digest.hex[0] || image_record_exists(store->root, change->digest.hex) ||
	    test_defence_removed("named-image"))
		return 0;
	if (change->record)
		return image_record_save(store->root, change->record, error);
	(void)error_set(error, ENOENT, "give the image sha256:%.12s the name %.128s", change->digest.hex, change->name);
	(void)error_cause(error, SANDBOX_E_IMAGE_UNKNOWN, "another command has just removed it");
	(void)error_fix(error, "import its archive again: sandbox import FILE");
	return -ENOENT;
}

static int change_names(struct image_store *store, const struct store_name *changes, size_t count,
	struct sandbox_error *error)
{
	int result = carry_out_pending(store, error);

	if (result == 0 && count > 1) {
		result = write_pending(store, changes, count, error);
		test_point("names-pending");
		if (result == 0)
			return carry_out_pending(store, error);
		/* On a full disk, what only makes room is done one by one. */
		if ((result == -ENOSPC || result == -EDQUOT || result == -E2BIG) && only_removes(changes, count)) {
			error_clear(error);
			result = 0;
		}
	}
	for (size_t i = 0; i < count && result == 0; i++)
		result = carry_out(store, &changes[i], error);
	return result;
}

int store_names_lock(struct image_store *store, struct sandbox_error *error)
{
	return lock_names(store, LOCK_EX, error);
}

int store_names_change_locked(struct image_store *store, const struct store_name *changes, size_t count,
	struct sandbox_error *error)
{
	int result = 0;

	for (size_t i = 0; i < count && result == 0; i++)
		result = require_image(store, &changes[i], error);
	return result < 0 ? result : change_names(store, changes, count, error);
}

int store_names_change(struct image_store *store, const struct store_name *changes, size_t count,
	struct sandbox_error *error)
{
	auto_close int lock = -1;
	int result;

	for (size_t i = 0; i < count; i++)
		if (!image_name_is_valid(changes[i].name))
			return refuse_name(changes[i].name, error);
	lock = lock_names(store, LOCK_EX, error);
	if (lock < 0)
		return lock;
	test_point("names-locked");
	result = store_names_change_locked(store, changes, count, error);
	/* Somebody is told of the name next. One that comes back after a power cut is only removed again. */
	if (result == 0 && !only_removes(changes, count) && fsync(lock) < 0)
		result = error_set(error, errno, "bring the names of images to the disk");
	return result;
}

int store_name_set(struct image_store *store, const char *name, const struct digest *digest,
	struct sandbox_error *error)
{
	return store_names_change(store, &(struct store_name){.name = (char *)name, .digest = *digest}, 1, error);
}

int store_name_remove(struct image_store *store, const char *name, struct sandbox_error *error)
{
	return store_names_change(store, &(struct store_name){.name = (char *)name}, 1, error);
}

/* ---- finding ---- */

/* What holds no digest is no name. */
static int name_read(int store, const char *path, struct digest *out)
{
	auto_free char *text = NULL;
	size_t size;
	int result = file_read(store, path, 128, &text, &size, NULL);

	if (result < 0)
		return result == -EINVAL || result == -EFBIG ? -ENOENT : result;
	if (size != DIGEST_HEX_SIZE || text[size - 1] != '\n')
		return -ENOENT;
	text[size - 1] = '\0';
	if (!digest_is_valid(text))
		return -ENOENT;
	memcpy(out->hex, text, sizeof(out->hex));
	return 0;
}

int store_name_find(struct image_store *store, const char *name, struct digest *out)
{
	auto_free char *pending = NULL;
	char path[NAME_PATH_SIZE], *rest;
	struct store_name change;

	if (!image_name_is_valid(name))
		return -ENOENT;
	(void)pending_read(store, &pending, NULL);
	rest = pending;
	while (pending_next(&rest, &change)) {
		if (strcmp(change.name, name) != 0)
			continue;
		*out = change.digest;
		return change.digest.hex[0] ? 0 : -ENOENT;
	}
	name_path(name, path);
	return name_read(store->root, path, out);
}

/* ---- listing ---- */

void store_names_finish(struct store_names *names)
{
	for (size_t i = 0; i < names->count; i++)
		free(names->items[i].name);
	free(names->items);
	*names = (struct store_names){0};
}

static void add_name(struct store_names *names, const char *name)
{
	names->items = memory_resize(names->items, names->count + 1, sizeof(*names->items));
	names->items[names->count++].name = memory_text(name);
}

static int compare_names(const void *left, const void *right)
{
	const struct store_name *a = left, *b = right;

	return strcmp(a->name, b->name);
}

/* The files' names alone; what pending changes add as well. */
static int list_names(struct image_store *store, struct store_names *out, struct sandbox_error *error)
{
	int directory = file_open_directory(store->root, "names", error);
	auto_closedir DIR *stream = directory_read(directory);
	auto_free char *pending = NULL;
	struct store_name change;
	char *name, *rest;
	int result;

	if (!stream)
		return directory < 0 ? directory : error_set(error, errno, "read the names of images");
	while ((name = directory_next(stream))) {
		for (char *byte = name; *byte; byte++)
			if (*byte == '%')
				*byte = '/';
		if (image_name_is_valid(name))
			add_name(out, name);
	}
	if (errno)
		return error_set(error, errno, "read the names of images");
	result = pending_read(store, &pending, error);
	if (result < 0)
		return result;
	rest = pending;
	while (pending_next(&rest, &change))
		add_name(out, change.name);
	return 0;
}

static int load_locked(struct image_store *store, struct store_names *out, struct sandbox_error *error)
{
	auto_finish(store_names_finish) struct store_names names = {0};
	size_t kept = 0;
	int result = list_names(store, &names, error);

	if (result < 0)
		return result;
	if (names.count)
		qsort(names.items, names.count, sizeof(*names.items), compare_names);
	for (size_t i = 0; i < names.count; i++) {
		struct store_name found = names.items[i];
		bool again = kept && strcmp(names.items[kept - 1].name, found.name) == 0;
		int missing = again ? -ENOENT : store_name_find(store, found.name, &found.digest);

		if (missing == 0)
			names.items[kept++] = found;
		else
			free(found.name);
		/* An image without its name would be one that may go. */
		if (missing < 0 && missing != -ENOENT)
			result = missing;
	}
	names.count = kept;
	if (result < 0)
		return error_set(error, -result, "read the names of images");
	*out = names;
	names = (struct store_names){0};
	return 0;
}

int store_names_load(struct image_store *store, struct store_names *out, struct sandbox_error *error)
{
	auto_close int lock = lock_names(store, LOCK_SH, error);

	return lock < 0 ? lock : load_locked(store, out, error);
}

int store_names_of_locked(struct image_store *store, const struct digest *digest, struct sandbox_strings *out,
	struct sandbox_error *error)
{
	auto_finish(store_names_finish) struct store_names names = {0};
	int result = load_locked(store, &names, error);

	for (size_t i = 0; i < names.count; i++)
		if (strcmp(names.items[i].digest.hex, digest->hex) == 0)
			sandbox_strings_add(out, names.items[i].name);
	return result;
}

int store_names_of(struct image_store *store, const struct digest *digest, struct sandbox_strings *out,
	struct sandbox_error *error)
{
	auto_close int lock = lock_names(store, LOCK_SH, error);

	return lock < 0 ? lock : store_names_of_locked(store, digest, out, error);
}
