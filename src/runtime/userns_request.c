#include "runtime/userns_request.h"

#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "base/scope.h"
#include "base/text.h"

static const char keep_id_prefix[] = "keep-id:";

static const struct {
	const char *word;
	enum userns_mode mode;
} userns_words[] = {
	{"default", USERNS_DEFAULT},
	{"map", USERNS_MAP},
	{"single", USERNS_SINGLE},
	{"keep-id", USERNS_KEEP_ID},
};

static const char wrong_form[] = "it does not have the form that the option wants";

static int userns_error(const char *option, const char *words, const char *cause, const char *fix,
	struct sandbox_error *error)
{
	error_set(error, 0, "--%s \"%s\"", option, words);
	error_cause(error, SANDBOX_E_USAGE, "%s", cause);
	return error_fix(error, "%s", fix);
}

/* "keep-id:uid=N,gid=N", either or both. */
static int read_keep_id(const char *text, struct userns_request *out, struct sandbox_error *error)
{
	auto_free char *copy = memory_text(text + strlen(keep_id_prefix));
	char *rest = copy, *word;

	out->mode = USERNS_KEEP_ID;
	while ((word = strsep(&rest, ","))) {
		bool is_user = text_starts_with(word, "uid="), *has = is_user ? &out->has_uid : &out->has_gid;
		uint64_t number;

		if (!(is_user || text_starts_with(word, "gid=")) ||
		    !text_parse_unsigned(word + strlen("uid="), UINT32_MAX - 1, &number))
			return userns_error("userns", text, "what follows keep-id is not the number of a user or a group",
				"write keep-id:uid=N,gid=N, or one of the two", error);
		if (*has)
			return userns_error("userns", text, "it names two users, or two groups", "leave one of them out", error);
		*has = true;
		*(is_user ? &out->uid : &out->gid) = (uint32_t)number;
	}
	return 0;
}

static int read_mode(const char *text, struct userns_request *out, struct sandbox_error *error)
{
	for (size_t i = 0; i < array_count(userns_words); i++)
		if (strcmp(userns_words[i].word, text) == 0) {
			out->mode = userns_words[i].mode;
			return 0;
		}
	if (text_starts_with(text, keep_id_prefix))
		return read_keep_id(text, out, error);
	return userns_error("userns", text, "there is no such mode", "use default, map, single, keep-id or keep-id:uid=N,gid=N",
		error);
}

/* "INSIDE:ID:COUNT", the last one 1 where it is missing. */
static int read_extent(const char *option, const char *text, struct id_extents *out, struct sandbox_error *error)
{
	auto_free char *copy = memory_text(text);
	char *rest = copy, *inside = strsep(&rest, ":"), *outside = strsep(&rest, ":"), *count = rest;
	uint64_t numbers[3] = {0, 0, 1};

	if (!outside || !text_parse_unsigned(inside, UINT32_MAX, &numbers[0]) ||
	    !text_parse_unsigned(outside, UINT32_MAX, &numbers[1]) ||
	    (count && !text_parse_unsigned(count, UINT32_MAX, &numbers[2])))
		return userns_error(option, text, wrong_form, "write INSIDE:ID:COUNT, for example 0:1:1000", error);
	return id_extents_add(out, (struct id_extent){(uint32_t)numbers[0], (uint32_t)numbers[1], (uint32_t)numbers[2]},
		error);
}

static int read_extents(const char *option, const struct sandbox_strings *list, struct id_extents *out,
	struct sandbox_error *error)
{
	int result = 0;

	for (size_t i = 0; list && i < list->count && result == 0; i++)
		result = read_extent(option, list->items[i], out, error);
	return result;
}

int userns_request_read(const char *text, const struct sandbox_strings *uidmap, const struct sandbox_strings *gidmap,
	struct userns_request *out, struct sandbox_error *error)
{
	int result = 0;

	*out = (struct userns_request){.mode = USERNS_DEFAULT};
	if (text)
		result = read_mode(text, out, error);
	if (result == 0)
		result = read_extents("uidmap", uidmap, &out->users, error);
	if (result == 0)
		result = read_extents("gidmap", gidmap, &out->groups, error);
	if (result < 0 || (!out->users.count && !out->groups.count))
		return result;
	if (text)
		return userns_error("userns", text, "--uidmap and --gidmap say which ids exist, too",
			"use either --userns, or --uidmap and --gidmap", error);
	out->mode = USERNS_CUSTOM;
	if (!out->users.count)
		out->users = out->groups;
	if (!out->groups.count)
		out->groups = out->users;
	return 0;
}
