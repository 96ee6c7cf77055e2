#include "importer/members.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/digest.h"
#include "base/memory.h"
#include "base/scope.h"
#include "base/text.h"

enum {
	LINKS_MAX = 8,
	LINK_PATH_MAX = 4096,
};

void members_finish(struct members *members)
{
	for (size_t i = 0; i < members->count; i++) {
		free(members->items[i].path);
		free(members->items[i].link);
	}
	free(members->items);
	*members = (struct members){0};
}

int members_add(struct members *members, char *path, char *link, uint64_t offset, uint64_t size, bool directory,
	struct sandbox_error *error)
{
	if (members->count == members->room) {
		members->room = members->room ? 2 * members->room : 64;
		members->items = memory_resize(members->items, members->room, sizeof(*members->items));
	}
	members->items[members->count++] = (struct member){path, link, offset, size, directory};
	if (members->count <= MEMBERS_MAX)
		return 0;
	(void)error_set(error, E2BIG, "read the archive of an image");
	return error_cause(error, SANDBOX_E_ARCHIVE_LIMIT, "it has more than %d members", MEMBERS_MAX);
}

static const struct member *find_by_name(const struct members *members, const char *path)
{
	for (size_t i = members->count; i-- > 0;)
		if (strcmp(members->items[i].path, path) == 0)
			return &members->items[i];
	return NULL;
}

/*
 * `target` as seen from the directory of `from`, without "." and "..", in `out`. False when it leads out of the
 * archive or is too long: then it names nothing.
 */
static bool follow(const char *from, const char *target, char out[LINK_PATH_MAX])
{
	const char *slash = *target == '/' ? NULL : strrchr(from, '/');
	size_t length = slash ? (size_t)(slash - from) : 0;

	if (length + strlen(target) + 2 > LINK_PATH_MAX)
		return false;
	memcpy(out, from, length);
	while (*target) {
		size_t size = strcspn(target, "/");

		if (size == 2 && memcmp(target, "..", 2) == 0) {
			if (length == 0)
				return false;
			while (length > 0 && out[--length] != '/')
				;
		} else if (size > 0 && !(size == 1 && *target == '.')) {
			if (length)
				out[length++] = '/';
			memcpy(out + length, target, size);
			length += size;
		}
		target += size + (target[size] == '/');
	}
	out[length] = '\0';
	return true;
}

const struct member *members_find(const struct members *members, const char *path)
{
	char name[2][LINK_PATH_MAX];
	const struct member *found;
	int now = 0;

	if (!follow("", path, name[now]))
		return NULL;
	found = find_by_name(members, name[now]);
	for (int i = 0; found && found->link; i++, now = !now) {
		if (i == LINKS_MAX || !follow(name[now], found->link, name[!now]))
			return NULL;
		found = find_by_name(members, name[!now]);
	}
	return found && !found->directory ? found : NULL;
}

/* Whether the component begins with 64 hexadecimal digits; *out_rest is what follows them. */
static bool begins_with_digest(const char *component, size_t size, const char **out_rest)
{
	char hex[DIGEST_HEX_SIZE];

	if (size < sizeof(hex) - 1)
		return false;
	memcpy(hex, component, sizeof(hex) - 1);
	hex[sizeof(hex) - 1] = '\0';
	*out_rest = component + sizeof(hex) - 1;
	return digest_is_valid(hex);
}

static bool is_one_of(const char *const *words, size_t count, const char *text, size_t size)
{
	for (size_t i = 0; i < count; i++)
		if (strlen(words[i]) == size && memcmp(words[i], text, size) == 0)
			return true;
	return false;
}

bool member_name_is_known(const char *path)
{
	static const char *const names[] = {
		"blobs", "config.json", "index.json", "ingest", "manifest.json", "oci-layout", "repositories"};
	static const char *const endings[] = {"", ".json", ".tar", ".tar.gz"};
	static const char prefix[] = "sha256:";
	size_t size = strcspn(path, "/");
	const char *rest;

	if (is_one_of(names, array_count(names), path, size))
		return true;
	if (text_starts_with(path, prefix)) {
		path += strlen(prefix);
		size -= strlen(prefix);
	}
	return begins_with_digest(path, size, &rest) &&
		is_one_of(endings, array_count(endings), rest, size - (size_t)(rest - path));
}
