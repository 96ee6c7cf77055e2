/* Lines of a Dockerfile that change a configuration: image/commit.h. */
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/json.h"
#include "base/memory.h"
#include "base/scope.h"
#include "base/strings.h"
#include "image/commit.h"

static int change_failed(const char *line, const char *why, struct sandbox_error *error)
{
	(void)error_set(error, 0, "--change \"%.200s\"", line);
	(void)error_cause(error, SANDBOX_E_USAGE, "%s", why);
	return error_fix(error, "for example --change 'CMD [\"sh\", \"-l\"]', 'ENV NAME=VALUE', 'USER 1000', 'WORKDIR /srv' or "
		"'LABEL KEY=VALUE'");
}

/* A new value of that kind, checked as those of images are. */
static int add(struct image_config *config, enum import_text_kind kind, const char *line, const char *text,
	struct sandbox_error *error)
{
	return image_config_add(config, kind, text, NULL) < 0 ? change_failed(line, "the value cannot be meant", error) : 0;
}

/* ["word", "word"], or a line for the shell. */
static int read_words(const char *line, const char *value, struct sandbox_strings *out, struct sandbox_error *error)
{
	auto_finish(json_free) struct json_object *array = NULL;

	if (*value != '[') {
		sandbox_strings_add(out, "/bin/sh");
		sandbox_strings_add(out, "-c");
		sandbox_strings_add(out, value);
		return 0;
	}
	if (json_parse(value, strlen(value), "--change", &array, NULL) < 0 || !json_is_array(array))
		return change_failed(line, "that is no JSON array of words", error);
	for (size_t i = 0; i < json_length(array); i++) {
		const char *word;

		if (json_item_string(array, "--change", i, &word, NULL) < 0)
			return change_failed(line, "that is no JSON array of words", error);
		sandbox_strings_add(out, word);
	}
	return 0;
}

static int change_words(struct image_config *config, enum import_text_kind kind, const char *line, const char *value,
	struct sandbox_error *error)
{
	auto_finish(sandbox_strings_finish) struct sandbox_strings words = {0};
	int result = read_words(line, value, &words, error);

	if (result < 0)
		return result;
	sandbox_strings_finish(kind == IMPORT_TEXT_COMMAND ? &config->command : &config->entrypoint);
	/* The arguments of another program. */
	if (kind == IMPORT_TEXT_ENTRYPOINT)
		sandbox_strings_finish(&config->command);
	for (size_t i = 0; i < words.count && result == 0; i++)
		result = add(config, kind, line, words.items[i], error);
	return result;
}

/* NAME=VALUE, or NAME VALUE. */
static int change_variable(struct image_config *config, enum import_text_kind kind, const char *line, const char *value,
	struct sandbox_error *error)
{
	auto_free char *copy = memory_text(value);
	char *end = copy + strcspn(copy, "= \t");
	struct sandbox_strings *list = kind == IMPORT_TEXT_ENV ? &config->env : &config->labels;
	char *text;

	if (!*end || end == copy)
		return change_failed(line, "that is no NAME=VALUE", error);
	*end++ = '\0';
	text = end;
	/* Quotes around all of it are those of the Dockerfile. */
	if (*text == '"' && strlen(text) > 1 && text[strlen(text) - 1] == '"') {
		text[strlen(text) - 1] = '\0';
		text++;
	}
	strings_set_variable(list, copy, text);
	return 0;
}

static int change_text(struct image_config *config, enum import_text_kind kind, const char *line, const char *value,
	struct sandbox_error *error)
{
	char **field = kind == IMPORT_TEXT_USER ? &config->user :
		kind == IMPORT_TEXT_WORKDIR ? &config->workdir : &config->stop_signal;

	free(take_ptr(*field));
	return add(config, kind, line, value, error);
}

static int change_ports(struct image_config *config, enum import_text_kind kind, const char *line, const char *value,
	struct sandbox_error *error)
{
	auto_free char *port = memory_format("%s%s", value, strchr(value, '/') ? "" : "/tcp");

	return strings_contain(&config->ports, port) ? 0 : add(config, kind, line, port, error);
}

static const struct {
	const char *word;
	enum import_text_kind kind;
	int (*change)(struct image_config *config, enum import_text_kind kind, const char *line, const char *value,
		struct sandbox_error *error);
} instructions[] = {
	{"CMD", IMPORT_TEXT_COMMAND, change_words},
	{"ENTRYPOINT", IMPORT_TEXT_ENTRYPOINT, change_words},
	{"ENV", IMPORT_TEXT_ENV, change_variable},
	{"EXPOSE", IMPORT_TEXT_PORT, change_ports},
	{"LABEL", IMPORT_TEXT_LABEL, change_variable},
	{"STOPSIGNAL", IMPORT_TEXT_STOP_SIGNAL, change_text},
	{"USER", IMPORT_TEXT_USER, change_text},
	{"WORKDIR", IMPORT_TEXT_WORKDIR, change_text},
};

int image_config_change(struct image_config *config, const char *line, struct sandbox_error *error)
{
	size_t length = strcspn(line, " \t=");
	const char *value = line + length + strspn(line + length, " \t");

	/* Podman's form, CMD=/bin/sh. */
	if (line[length] == '=')
		value = line + length + 1;
	for (size_t i = 0; i < array_count(instructions); i++)
		if (strlen(instructions[i].word) == length && strncasecmp(line, instructions[i].word, length) == 0)
			return *value ? instructions[i].change(config, instructions[i].kind, line, value, error) :
					change_failed(line, "it has no value", error);
	return change_failed(line, "known are CMD, ENTRYPOINT, ENV, EXPOSE, LABEL, STOPSIGNAL, USER and WORKDIR", error);
}
