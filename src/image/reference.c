#include "image/reference.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/directory.h"
#include "base/file.h"
#include "base/memory.h"
#include "base/scope.h"
#include "base/text.h"
#include "image/archive_file.h"
#include "image/identity.h"
#include "image/record.h"

/* Fewer would soon fit several images, and words are made of these letters too. */
enum { DIGEST_PREFIX_MIN = 12 };

static const char digest_prefix[] = "sha256:", latest_tag[] = ":latest";

enum reference_kind reference_kind(const char *reference, bool archive_only)
{
	struct stat status;

	if (strcmp(reference, "-") == 0)
		return REFERENCE_INPUT;
	if (archive_only || *reference == '/' || *reference == '.')
		return REFERENCE_PATH;
	/* Names of images have slashes, too. */
	if (strchr(reference, '/'))
		return image_name_is_valid(reference) && access(reference, F_OK) < 0 && errno == ENOENT ?
			REFERENCE_NAME_OR_PATH : REFERENCE_PATH;
	if (text_starts_with(reference, digest_prefix))
		return REFERENCE_STORED;
	return stat(reference, &status) == 0 && !S_ISDIR(status.st_mode) ? REFERENCE_PATH : REFERENCE_STORED;
}

static int reference_unknown(const char *reference, const char *why, struct sandbox_error *error)
{
	(void)error_set(error, 0, "no image \"%.128s\"", reference);
	(void)error_cause(error, SANDBOX_E_IMAGE_UNKNOWN, "%s", why);
	(void)error_fix(error, "`sandbox images` lists what is there; an archive (of `docker save`, `docker export`, or "
		"skopeo copy docker://NAME oci-archive:FILE) is named by its path");
	return -ENOENT;
}

/* An archive here that may have been imported. Just after it was written its identity proves nothing, and it is read. */
static bool read_digest(struct image_store *store, const char *path, struct digest *out)
{
	const struct interrupt none = INTERRUPT_INIT;
	struct archive_file file = {.source = path, .fd = -1, .layout = -1, .whole = true};
	auto_close int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);

	file.fd = fd;
	if (fd < 0 || archive_look(&file, NULL) < 0 || !S_ISREG(file.before.st_mode))
		return false;
	return identity_find(store->root, &file.before, out) == 0 ||
		(image_records_have_size(store->root, (uint64_t)file.before.st_size) &&
			archive_hash(&file, &none, NULL, out, NULL) == 0);
}

/* Those that were chosen from an archive go by digests of their own. 0, -ENOENT without an error, or -errno. */
static int find_chosen(struct image_store *store, const char *path, const struct digest *archive, struct digest *out,
	struct sandbox_error *error)
{
	auto_finish(image_records_finish) struct image_records records = {0};
	auto_free char *listed = memory_text("");
	size_t found = 0;
	int result = image_records_load(store->root, &records, error);

	for (size_t i = 0; i < records.count; i++) {
		const struct image_record *record = &records.items[i];

		if (strcmp(record->archive.hex, archive->hex) != 0)
			continue;
		*out = record->digest;
		memory_append(&listed, "%ssha256:%.12s (%.64s)", found++ ? ", " : "", out->hex,
			record->config.names.count ? record->config.names.items[0] : "without a name");
	}
	if (result < 0 || found < 2)
		return result < 0 || found ? result : -ENOENT;
	(void)reference_unknown(path, "", error);
	(void)error_cause(error, SANDBOX_E_IMAGE_UNKNOWN, "several images were made of this archive: %.300s", listed);
	(void)error_fix(error, "name one of them");
	return -EEXIST;
}

/* The image that was made of an archive here. 0, -ENOENT without an error, or -errno. */
static int find_by_file(struct image_store *store, const char *path, struct digest *out, struct sandbox_error *error)
{
	struct digest archive;

	if (!read_digest(store, path, &archive))
		return -ENOENT;
	*out = archive;
	return image_record_exists(store->root, archive.hex) ? 0 : find_chosen(store, path, &archive, out, error);
}

static int not_imported(const char *path, struct sandbox_error *error)
{
	(void)error_set(error, 0, "no image \"%.128s\"", path);
	(void)error_cause(error, SANDBOX_E_IMAGE_UNKNOWN, "there is such a file, but no image was made of it as it is now");
	(void)error_fix(error, "sandbox import %s", path);
	return -ENOENT;
}

/* Finds the one image whose digest begins so. */
static int find_by_digits(struct image_store *store, const char *reference, const char *digits, struct digest *out,
	struct sandbox_error *error)
{
	int directory = file_open_directory(store->root, "images", error);
	auto_closedir DIR *stream = directory_read(directory);
	const char *name;
	size_t found = 0;

	if (!stream)
		return directory < 0 ? directory : error_set(error, errno, "look for the image %s", reference);
	while ((name = directory_next(stream))) {
		if (!text_starts_with(name, digits) || strlen(name) < DIGEST_HEX_SIZE)
			continue;
		memcpy(out->hex, name, sizeof(out->hex) - 1);
		out->hex[sizeof(out->hex) - 1] = '\0';
		found += digest_is_valid(out->hex);
	}
	if (errno)
		return error_set(error, errno, "look for the image %s", reference);
	if (found == 1)
		return 0;
	return reference_unknown(reference, found ? "several digests begin so" : "no digest begins so", error);
}

int reference_find_source(struct image_store *store, const char *source, struct digest *out,
	struct sandbox_error *error)
{
	auto_finish(image_records_finish) struct image_records records = {0};
	size_t found = 0;
	int result = store->root < 0 ? 0 : image_records_load(store->root, &records, error);

	if (result < 0)
		return result;
	for (size_t i = 0; i < records.count; i++) {
		if (!records.items[i].source || strcmp(records.items[i].source, source) != 0)
			continue;
		*out = records.items[i].digest;
		found++;
	}
	if (found == 1)
		return 0;
	return reference_unknown(source, found ? "several images were imported from a file of that name: name a digest" :
		"no image has that name or digest, and none was imported from a file of that name", error);
}

/* "debian:12" is docker.io/library/debian:12, and "debian" debian:latest. */
static bool name_ends_so(const char *name, const char *reference)
{
	const char *slash = strrchr(reference, '/');
	bool tagged = strchr(slash ? slash : reference, ':') != NULL;
	size_t length = strlen(name), wanted = strlen(reference), latest = tagged ? 0 : strlen(latest_tag);

	if (latest && length > latest && strcmp(name + length - latest, latest_tag) == 0)
		length -= latest;
	return length >= wanted && strncmp(name + length - wanted, reference, wanted) == 0 &&
		(length == wanted || name[length - wanted - 1] == '/') && (latest || !name[length]);
}

/* Finds the one name that ends so. An exact one was looked for before. 0, or -ENOENT with what is there. */
static int find_by_end(struct image_store *store, const char *reference, struct digest *out, char *out_name,
	struct sandbox_error *error)
{
	auto_finish(store_names_finish) struct store_names names = {0};
	auto_free char *listed = memory_text("");
	size_t found = 0;
	int result = image_name_is_valid(reference) ? store_names_load(store, &names, error) : 0;

	if (result < 0)
		return result;
	for (size_t i = 0; i < names.count; i++) {
		if (!name_ends_so(names.items[i].name, reference))
			continue;
		memory_append(&listed, "%s%s", found++ ? ", " : "", names.items[i].name);
		*out = names.items[i].digest;
		(void)snprintf(out_name, IMAGE_NAME_MAX + 1, "%s", names.items[i].name);
	}
	if (found == 1)
		return 0;
	if (found == 0 && access(reference, F_OK) == 0)
		return not_imported(reference, error);
	if (found == 0)
		return reference_unknown(reference, "there is neither a file nor an image of that name", error);
	(void)reference_unknown(reference, "", error);
	(void)error_cause(error, SANDBOX_E_IMAGE_UNKNOWN, "several names end so: %.300s", listed);
	(void)error_fix(error, "write one of them whole");
	return -ENOENT;
}

int reference_find_name(struct image_store *store, const char *reference, struct digest *out,
	char out_name[IMAGE_NAME_MAX + 1], struct sandbox_error *error)
{
	bool prefixed = text_starts_with(reference, digest_prefix);
	const char *digits = reference + (prefixed ? strlen(digest_prefix) : 0);
	size_t length = strlen(digits);
	bool hexadecimal = length && strspn(digits, "0123456789abcdef") == length;
	int result;

	out_name[0] = '\0';
	if (store->root < 0)
		return reference_unknown(reference, "nothing was imported yet, and there is no such file", error);
	if (!prefixed && store_name_find(store, reference, out) == 0) {
		(void)snprintf(out_name, IMAGE_NAME_MAX + 1, "%s", reference);
		return 0;
	}
	result = prefixed ? -ENOENT : find_by_file(store, reference, out, error);
	if (result != -ENOENT)
		return result;
	if (hexadecimal && length >= DIGEST_PREFIX_MIN && length < DIGEST_HEX_SIZE)
		return find_by_digits(store, reference, digits, out, error);
	if (prefixed)
		return reference_unknown(reference, "at least 12 hexadecimal digits are needed", error);
	return find_by_end(store, reference, out, out_name, error);
}

int reference_find(struct image_store *store, const char *reference, struct digest *out,
	struct sandbox_error *error)
{
	char name[IMAGE_NAME_MAX + 1];

	return reference_find_name(store, reference, out, name, error);
}
