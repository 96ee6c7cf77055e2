#include "importer/entry_path.h"

#include <errno.h>
#include <string.h>

#include "base/test_switch.h"

/* Enough of a name to find it by; the sentence has to hold more than the name. */
enum { NAME_SHOWN = 200 };

int entry_refuse(struct sandbox_error *error, const char *what, const char *name, const char *why)
{
	(void)error_set(error, 0, "refused the archive: %s \"%.*s\"", what, NAME_SHOWN, name);
	return error_cause(error, SANDBOX_E_ARCHIVE_HOSTILE, "%s", why);
}

int entry_failed(struct sandbox_error *error, int code, const char *name, const char *doing)
{
	(void)error_set(error, code, "extract \"%.*s\": %s", NAME_SHOWN, *name ? name : ".", doing);
	if (code == ENOSPC || code == EDQUOT)
		return error_cause(error, SANDBOX_E_NO_SPACE, "the file system of the image store is full");
	if (code == ENAMETOOLONG)
		return error_cause(error, SANDBOX_E_ARCHIVE_LIMIT, "its name or target is longer than a file system takes");
	return error ? -code : -EINVAL;
}

static int path_limit(const char *raw, const char *what, struct sandbox_error *error)
{
	(void)error_set(error, ENAMETOOLONG, "%s \"%.*s…\"", what, NAME_SHOWN, raw);
	return error_cause(error, SANDBOX_E_ARCHIVE_LIMIT, "its path is longer or deeper than the limit");
}

int entry_path_parse(const char *raw, uint64_t depth_limit, const char *what, struct entry_path *out,
	struct sandbox_error *error)
{
	const char *cursor = raw;

	out->length = out->name = out->depth = 0;
	out->text[0] = '\0';
	if (!*raw)
		return entry_refuse(error, what, raw, "it has no name");
	if (*raw == '/' && !test_defence_removed("archive-absolute"))
		return entry_refuse(error, what, raw, "its path is absolute");
	while (*cursor) {
		size_t size = strcspn(cursor, "/");

		if (size == 2 && memcmp(cursor, "..", 2) == 0 && !test_defence_removed("archive-dotdot"))
			return entry_refuse(error, what, raw, "its path leads upwards (\"..\")");
		if (size > 0 && !(size == 1 && *cursor == '.')) {
			if (out->depth == depth_limit || size + 2 > ENTRY_PATH_SIZE - out->length)
				return path_limit(raw, what, error);
			if (out->length)
				out->text[out->length++] = '/';
			out->name = out->length;
			memcpy(out->text + out->length, cursor, size);
			out->length += size;
			out->text[out->length] = '\0';
			out->depth++;
		}
		cursor += size;
		cursor += *cursor == '/';
	}
	return 0;
}
