#include "image/config.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include "base/json.h"
#include "base/memory.h"
#include "base/scope.h"
#include "base/text.h"

enum { USER_LENGTH_MAX = 256, WORKDIR_LENGTH_MAX = 4095, WORD_LENGTH_MAX = 64 };

#define WORD_CHARACTERS "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_.-"

static bool is_any(const char *text)
{
	(void)text;
	return true;
}

static bool is_assignment(const char *text)
{
	const char *equals = strchr(text, '=');

	return equals && equals != text;
}

static bool is_word(const char *text)
{
	size_t length = strlen(text);

	return length && length <= WORD_LENGTH_MAX && strspn(text, WORD_CHARACTERS "/+") == length;
}

/* useradd(8): word characters, perhaps a "$" at the end; with one group. */
static bool is_user(const char *text)
{
	size_t length = strlen(text), word = strspn(text, WORD_CHARACTERS "$"), group;

	if (!word || length > USER_LENGTH_MAX || *text == '-')
		return false;
	if (text[word] != ':')
		return word == length;
	group = strspn(text + word + 1, WORD_CHARACTERS "$");
	return group && word + 1 + group == length && text[word + 1] != '-';
}

static bool is_absolute(const char *text)
{
	return *text == '/' && strlen(text) <= WORKDIR_LENGTH_MAX;
}

static bool is_step(const char *text)
{
	const char *first = strchr(text, '\t'), *second = first ? strchr(first + 1, '\t') : NULL;

	return first == text + 1 && (*text == '0' || *text == '1') && second && strchr(second + 1, '\t');
}

static const struct config_field {
	const char *key; /* in a record */
	size_t offset;
	bool list;
	bool (*is_sound)(const char *text);
	const char *what;
} fields[IMPORT_TEXT_KINDS] = {
	[IMPORT_TEXT_ENV] = {"env", offsetof(struct image_config, env), true, is_assignment, "a variable without a name"},
	[IMPORT_TEXT_ENTRYPOINT] = {"entrypoint", offsetof(struct image_config, entrypoint), true, is_any, "an entry point"},
	[IMPORT_TEXT_COMMAND] = {"command", offsetof(struct image_config, command), true, is_any, "a command"},
	[IMPORT_TEXT_USER] = {"user", offsetof(struct image_config, user), false, is_user, "a user of strange characters"},
	[IMPORT_TEXT_WORKDIR] = {"workdir", offsetof(struct image_config, workdir), false, is_absolute,
		"a working directory that is not absolute"},
	[IMPORT_TEXT_STOP_SIGNAL] = {"stop_signal", offsetof(struct image_config, stop_signal), false, is_word,
		"a signal that is none"},
	[IMPORT_TEXT_PORT] = {"ports", offsetof(struct image_config, ports), true, is_word, "a port that is none"},
	[IMPORT_TEXT_LABEL] = {"labels", offsetof(struct image_config, labels), true, is_assignment, "a label without a name"},
	[IMPORT_TEXT_NAME] = {"names", offsetof(struct image_config, names), true, is_any, "a name"},
	[IMPORT_TEXT_PLATFORM] = {"platform", offsetof(struct image_config, platform), false, is_any, "a platform"},
	[IMPORT_TEXT_HISTORY] = {"history", offsetof(struct image_config, history), true, is_step, "a strange history"},
};

static struct sandbox_strings *list_of(struct image_config *config, const struct config_field *field)
{
	return (struct sandbox_strings *)((char *)config + field->offset);
}

static char **text_of(struct image_config *config, const struct config_field *field)
{
	return (char **)((char *)config + field->offset);
}

void image_config_finish(struct image_config *config)
{
	for (size_t i = 1; i < array_count(fields); i++)
		if (fields[i].list)
			sandbox_strings_finish(list_of(config, &fields[i]));
		else
			free(*text_of(config, &fields[i]));
	*config = (struct image_config){0};
}

int image_config_add(struct image_config *config, enum import_text_kind kind, const char *text,
	struct sandbox_error *error)
{
	const struct config_field *field = &fields[kind];
	char **single = field->list ? NULL : text_of(config, field);

	if (!text_is_utf8(text) || !field->is_sound(text)) {
		(void)error_set(error, 0, "refused the image: its configuration has %s", field->what);
		return error_cause(error, SANDBOX_E_ARCHIVE_HOSTILE, "it is \"%.200s\"", text);
	}
	if (single && *single) {
		(void)error_set(error, 0, "refused the image: its configuration contradicts itself");
		return error_cause(error, SANDBOX_E_ARCHIVE_HOSTILE, "it has two values for %s", field->key);
	}
	if (single)
		*single = memory_text(text);
	else
		sandbox_strings_add(list_of(config, field), text);
	return 0;
}

struct json_object *image_config_describe(const struct image_config *config)
{
	struct json_object *object = json_new_object();
	/* Only looked at. */
	struct image_config copy = *config;

	for (size_t i = 1; i < array_count(fields); i++)
		if (fields[i].list)
			json_add_strings(object, fields[i].key, list_of(&copy, &fields[i]));
		else
			json_add_string(object, fields[i].key, *text_of(&copy, &fields[i]));
	return object;
}

static int read_field(struct json_object *object, const char *path, enum import_text_kind kind,
	struct image_config *out, struct sandbox_error *error)
{
	auto_finish(sandbox_strings_finish) struct sandbox_strings list = {0};
	const char *text = NULL;
	int result = fields[kind].list ? json_get_strings(object, path, fields[kind].key, true, &list, error) :
		json_get_string(object, path, fields[kind].key, true, &text, error);

	if (result == 0 && text)
		result = image_config_add(out, kind, text, error);
	for (size_t i = 0; i < list.count && result == 0; i++)
		result = image_config_add(out, kind, list.items[i], error);
	return result;
}

int image_config_read(struct json_object *object, const char *path, struct image_config *out,
	struct sandbox_error *error)
{
	int result = 0;

	for (unsigned int kind = 1; kind < IMPORT_TEXT_KINDS && result == 0; kind++)
		result = read_field(object, path, (enum import_text_kind)kind, out, error);
	return result;
}
