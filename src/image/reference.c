#include "image/reference.h"

#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/file.h"
#include "base/scope.h"
#include "base/text.h"

/* Fewer would soon fit several images, and words are made of these letters too. */
enum { DIGEST_PREFIX_MIN = 12 };

static const char digest_prefix[] = "sha256:";

enum reference_kind reference_kind(const char *reference, bool archive_only)
{
	struct stat status;

	if (strcmp(reference, "-") == 0)
		return REFERENCE_INPUT;
	if (archive_only || strchr(reference, '/'))
		return REFERENCE_PATH;
	if (text_starts_with(reference, digest_prefix))
		return REFERENCE_STORED;
	return stat(reference, &status) == 0 && !S_ISDIR(status.st_mode) ? REFERENCE_PATH : REFERENCE_STORED;
}

static int reference_unknown(const char *reference, const char *why, struct sandbox_error *error)
{
	(void)error_set(error, 0, "no image \"%.128s\"", reference);
	(void)error_cause(error, SANDBOX_E_IMAGE_UNKNOWN, "%s", why);
	(void)error_fix(error, "`sandbox images` lists what is there; an archive is named by its path");
	return -ENOENT;
}

/* Finds the one image whose digest begins so. */
static int find_by_digits(struct image_store *store, const char *reference, const char *digits, struct digest *out,
	struct sandbox_error *error)
{
	int directory = file_open_directory(store->root, "images", error);
	auto_closedir DIR *stream = directory < 0 ? NULL : fdopendir(directory);
	struct dirent *item;
	size_t found = 0;

	if (directory < 0)
		return directory;
	while ((item = readdir(stream))) {
		if (!text_starts_with(item->d_name, digits) || strlen(item->d_name) < DIGEST_HEX_SIZE)
			continue;
		memcpy(out->hex, item->d_name, sizeof(out->hex) - 1);
		out->hex[sizeof(out->hex) - 1] = '\0';
		found += digest_is_valid(out->hex);
	}
	if (found == 1)
		return 0;
	return reference_unknown(reference, found ? "several digests begin so" : "no digest begins so", error);
}

int reference_find(struct image_store *store, const char *reference, struct digest *out,
	struct sandbox_error *error)
{
	bool prefixed = text_starts_with(reference, digest_prefix);
	const char *digits = reference + (prefixed ? strlen(digest_prefix) : 0);
	size_t length = strlen(digits);
	bool hexadecimal = length && strspn(digits, "0123456789abcdef") == length;

	if (!prefixed && store_name_find(store, reference, out) == 0)
		return 0;
	if (hexadecimal && length >= DIGEST_PREFIX_MIN && length < DIGEST_HEX_SIZE)
		return find_by_digits(store, reference, digits, out, error);
	return reference_unknown(reference, prefixed ? "at least 12 hexadecimal digits are needed" :
		"there is neither a file nor an image of that name", error);
}
