#include "base/json.h"

#include <errno.h>
#include <json-c/json.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "base/scope.h"
#include "base/strings.h"
#include "base/text.h"

enum { JSON_DEPTH_MAX = 32 };

static void json_tokener_release(struct json_tokener **tokener)
{
	if (*tokener)
		json_tokener_free(*tokener);
}

/* Of all objects below a value, itself included. */
static size_t json_count_members(struct json_object *value)
{
	size_t count = 0;

	if (json_object_is_type(value, json_type_array))
		for (size_t i = 0; i < json_object_array_length(value); i++)
			count += json_count_members(json_object_array_get_idx(value, i));
	if (!json_object_is_type(value, json_type_object))
		return count;
	json_object_object_foreach(value, key, member)
	{
		(void)key;
		count += 1 + json_count_members(member);
	}
	return count;
}

/* In a text that has been parsed: each member has one colon that is not within a string. */
static size_t json_count_colons(const char *data, size_t size)
{
	bool quoted = false;
	size_t count = 0;

	for (size_t i = 0; i < size; i++) {
		if (quoted && data[i] == '\\')
			i++;
		else if (data[i] == '"')
			quoted = !quoted;
		else if (!quoted && data[i] == ':')
			count++;
	}
	return count;
}

int json_parse(const char *data, size_t size, const char *name, struct json_object **out,
	struct sandbox_error *error)
{
	auto_finish(json_tokener_release) struct json_tokener *tokener = json_tokener_new_ex(JSON_DEPTH_MAX);
	auto_finish(json_free) struct json_object *root = NULL;
	enum json_tokener_error problem;

	if (!tokener)
		return error_set(error, ENOMEM, "parse %s", name);
	if (size > INT_MAX - 1)
		return error_set(error, EFBIG, "parse %s", name);
	json_tokener_set_flags(tokener, JSON_TOKENER_STRICT | JSON_TOKENER_VALIDATE_UTF8);
	/* The terminating NUL tells json-c that a number at the very end is complete. */
	root = json_tokener_parse_ex(tokener, data, (int)size + 1);
	problem = json_tokener_get_error(tokener);
	if (problem != json_tokener_success || !root)
		return error_set(error, EINVAL, "parse %s: %s at byte %zu", name,
			problem == json_tokener_continue ? "unexpected end" : json_tokener_error_desc(problem),
			json_tokener_get_parse_end(tokener));
	if (json_tokener_get_parse_end(tokener) < size)
		return error_set(error, EINVAL, "parse %s: more than one value", name);
	/* Of two members with one key json-c keeps the last; other readers keep the first. */
	if (json_count_members(root) != json_count_colons(data, size))
		return error_set(error, EINVAL, "parse %s: a key is given twice in one object", name);
	*out = take_ptr(root);
	return 0;
}

void json_free(struct json_object **root)
{
	if (*root)
		json_object_put(*root);
	*root = NULL;
}

/* 1 when there is a value of the type, 0 when it is missing and may be, or a negative errno. */
static int json_member(struct json_object *object, const char *path, const char *key, bool optional,
	enum json_type type, struct json_object **out, struct sandbox_error *error)
{
	struct json_object *value = NULL;

	if (!json_object_is_type(object, json_type_object))
		return error_set(error, EINVAL, "%s: not an object", path);
	if (!json_object_object_get_ex(object, key, &value) || !value) {
		if (optional)
			return 0;
		return error_set(error, EINVAL, "%s.%s: missing", path, key);
	}
	if (!json_object_is_type(value, type))
		return error_set(error, EINVAL, "%s.%s: expected %s, found %s", path, key,
			json_type_to_name(type), json_type_to_name(json_object_get_type(value)));
	*out = value;
	return 1;
}

static int json_check_text(struct json_object *value, const char *path, const char *key,
	struct sandbox_error *error)
{
	if (strlen(json_object_get_string(value)) != (size_t)json_object_get_string_len(value))
		return error_set(error, EINVAL, "%s.%s: holds a NUL byte", path, key);
	return 0;
}

int json_get_string(struct json_object *object, const char *path, const char *key, bool optional,
	const char **out, struct sandbox_error *error)
{
	struct json_object *value;
	int found = json_member(object, path, key, optional, json_type_string, &value, error);

	if (found <= 0)
		return found;
	found = json_check_text(value, path, key, error);
	if (found < 0)
		return found;
	*out = json_object_get_string(value);
	return 0;
}

int json_get_unsigned(struct json_object *object, const char *path, const char *key, bool optional,
	uint64_t limit, uint64_t *out, struct sandbox_error *error)
{
	struct json_object *value;
	int found = json_member(object, path, key, optional, json_type_int, &value, error);
	uint64_t number;

	if (found <= 0)
		return found;
	/* json-c answers 0 for a negative number and clamps a too large one: both show as a sign or the maximum. */
	number = json_object_get_uint64(value);
	if (json_object_get_int64(value) < 0 || number > limit)
		return error_set(error, ERANGE, "%s.%s: not between 0 and %llu", path, key, (unsigned long long)limit);
	*out = number;
	return 0;
}

int json_get_boolean(struct json_object *object, const char *path, const char *key, bool optional, bool *out,
	struct sandbox_error *error)
{
	struct json_object *value;
	int found = json_member(object, path, key, optional, json_type_boolean, &value, error);

	if (found > 0)
		*out = json_object_get_boolean(value);
	return found < 0 ? found : 0;
}

int json_get_object(struct json_object *object, const char *path, const char *key, bool optional,
	struct json_object **out, struct sandbox_error *error)
{
	int found = json_member(object, path, key, optional, json_type_object, out, error);

	return found < 0 ? found : 0;
}

int json_get_array(struct json_object *object, const char *path, const char *key, bool optional,
	struct json_object **out, struct sandbox_error *error)
{
	int found = json_member(object, path, key, optional, json_type_array, out, error);

	return found < 0 ? found : 0;
}

int json_get_strings(struct json_object *object, const char *path, const char *key, bool optional,
	struct sandbox_strings *out, struct sandbox_error *error)
{
	struct json_object *array = NULL;
	int result = json_get_array(object, path, key, optional, &array, error);

	for (size_t i = 0; result == 0 && i < json_length(array); i++) {
		struct json_object *item = json_item(array, i);

		if (!json_object_is_type(item, json_type_string))
			return error_set(error, EINVAL, "%s.%s[%zu]: not a string", path, key, i);
		result = json_check_text(item, path, key, error);
		if (result == 0)
			sandbox_strings_add(out, json_object_get_string(item));
	}
	return result;
}

int json_get_keys(struct json_object *object, const char *path, struct sandbox_strings *out, struct sandbox_error *error)
{
	if (!json_object_is_type(object, json_type_object))
		return error_set(error, EINVAL, "%s: not an object", path);
	json_object_object_foreach(object, key, value)
	{
		(void)value;
		sandbox_strings_add(out, key);
	}
	return 0;
}

struct json_object *json_member_value(struct json_object *object, const char *key)
{
	struct json_object *value = NULL;

	if (!json_object_is_type(object, json_type_object) || !json_object_object_get_ex(object, key, &value))
		return NULL;
	return value;
}

char *json_plain(struct json_object *value)
{
	if (!value)
		return memory_text("");
	if (json_object_is_type(value, json_type_string))
		return memory_text(json_object_get_string(value));
	return json_line(value);
}

bool json_is_array(const struct json_object *value)
{
	return json_object_is_type(value, json_type_array);
}

size_t json_length(struct json_object *array)
{
	return array ? json_object_array_length(array) : 0;
}

struct json_object *json_item(struct json_object *array, size_t index)
{
	return json_object_array_get_idx(array, index);
}

int json_item_string(struct json_object *array, const char *path, size_t index, const char **out,
	struct sandbox_error *error)
{
	struct json_object *value = json_object_array_get_idx(array, index);
	char key[32];

	if (!json_object_is_type(value, json_type_string))
		return error_set(error, EINVAL, "%s[%zu]: expected string, found %s", path, index,
			json_type_to_name(json_object_get_type(value)));
	(void)snprintf(key, sizeof(key), "[%zu]", index);
	*out = json_object_get_string(value);
	return json_check_text(value, path, key, error);
}

int json_check_keys(struct json_object *object, const char *path, const char *const *known, struct sandbox_error *error)
{
	if (!json_object_is_type(object, json_type_object))
		return error_set(error, EINVAL, "%s: not an object", path);
	json_object_object_foreach(object, key, value)
	{
		size_t i = 0;

		(void)value;
		while (known[i] && strcmp(known[i], key) != 0)
			i++;
		if (!known[i])
			return error_set(error, EINVAL, "%s.%s: not known", path, key);
	}
	return 0;
}

struct json_object *json_new_object(void)
{
	return json_object_new_object();
}

struct json_object *json_new_array(void)
{
	return json_object_new_array();
}

static struct json_object *json_new_text(const char *value)
{
	auto_free char *escaped = text_escape(value);

	/* json-c escapes control bytes itself; only what is not UTF-8 needs our escapes. */
	return json_object_new_string(text_is_utf8(value) ? value : escaped);
}

void json_add(struct json_object *object, const char *key, struct json_object *value)
{
	(void)json_object_object_add(object, key, value);
}

void json_add_string(struct json_object *object, const char *key, const char *value)
{
	json_add(object, key, value ? json_new_text(value) : NULL);
}

void json_add_boolean(struct json_object *object, const char *key, bool value)
{
	json_add(object, key, json_object_new_boolean(value));
}

void json_add_unsigned(struct json_object *object, const char *key, uint64_t value)
{
	json_add(object, key, json_object_new_uint64(value));
}

void json_add_strings(struct json_object *object, const char *key, const struct sandbox_strings *list)
{
	struct json_object *array = json_new_array();

	for (size_t i = 0; i < list->count; i++)
		json_append(array, json_new_text(list->items[i]));
	json_add(object, key, array);
}

void json_add_pairs(struct json_object *object, const char *key, const struct sandbox_strings *list)
{
	struct json_object *pairs = json_new_object();

	for (size_t i = 0; i < list->count; i++) {
		const char *pair = list->items[i];
		auto_free char *name = memory_text_n(pair, strcspn(pair, "="));

		json_add_string(pairs, name, pair[strlen(name)] ? pair + strlen(name) + 1 : "");
	}
	json_add(object, key, pairs);
}

void json_append(struct json_object *array, struct json_object *value)
{
	(void)json_object_array_add(array, value);
}

char *json_text(struct json_object *root)
{
	auto_free char *text = text_escape_json(json_object_to_json_string_ext(root,
		JSON_C_TO_STRING_PRETTY | JSON_C_TO_STRING_SPACED | JSON_C_TO_STRING_NOSLASHESCAPE));

	return memory_format("%s\n", text);
}

char *json_line(struct json_object *root)
{
	return text_escape_json(json_object_to_json_string_ext(root, JSON_C_TO_STRING_PLAIN | JSON_C_TO_STRING_NOSLASHESCAPE));
}

char *json_quote(const char *text)
{
	struct json_object *value = json_new_text(text);
	char *quoted = json_line(value);

	json_free(&value);
	return quoted;
}
