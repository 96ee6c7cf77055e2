#include "cli/template.h"

#include <stdbool.h>
#include <string.h>

#include "base/json.h"
#include "base/memory.h"
#include "base/scope.h"
#include "base/strings.h"
#include "base/text.h"
#include "cli/format.h"

static int refuse(const char *part, struct json_object *object, struct sandbox_error *error)
{
	auto_finish(sandbox_strings_finish) struct sandbox_strings keys = {0};
	auto_free char *shown = text_escape(part), *names = NULL;

	(void)json_get_keys(object, "", &keys, NULL);
	for (size_t i = 0; i < keys.count; i++)
		memory_append(&names, " .%s", keys.items[i]);
	error_set(error, 0, "--format: %s", shown);
	error_cause(error, SANDBOX_E_USAGE, "it names nothing that there is");
	return error_fix(error, "for example '{{.State.Status}}' or '{{json .State}}'; there:%s", names ? names : " nothing");
}

/* ".State.Status" from this object on; `path` is cut up. *out may become NULL, which is null. */
static int find_value(char *path, const char *whole, struct json_object *object, struct json_object **out,
	struct sandbox_error *error)
{
	char *rest = path[0] == '.' && path[1] ? path + 1 : NULL;

	*out = object;
	if (*path != '.')
		return refuse(whole, object, error);
	while (rest) {
		auto_finish(sandbox_strings_finish) struct sandbox_strings keys = {0};
		const char *key = strsep(&rest, ".");

		if (json_get_keys(*out, "", &keys, NULL) < 0 || !strings_contain(&keys, key))
			return refuse(whole, *out, error);
		*out = json_member_value(*out, key);
	}
	return 0;
}

static int append_value(char **line, const char *inner, struct json_object *object, struct sandbox_error *error)
{
	auto_free char *copy = memory_text(inner), *value = NULL, *shown = NULL;
	char *path = copy + strspn(copy, " ");
	bool json = text_starts_with(path, "json ");
	struct json_object *found = NULL;
	int result;

	if (json)
		path += strlen("json ");
	path += strspn(path, " ");
	/* What follows a space is a pipe, or an argument. */
	if (strcspn(path, " ") + strspn(path + strcspn(path, " "), " ") != strlen(path))
		return refuse(inner, object, error);
	path[strcspn(path, " ")] = '\0';
	result = find_value(path, inner, object, &found, error);
	if (result < 0)
		return result;
	value = json ? json_line(found) : json_plain(found);
	shown = json ? memory_text(value) : text_escape(value);
	memory_append(line, "%s", shown);
	return 0;
}

int template_fill(const char *text, struct json_object *object, char **out, struct sandbox_error *error)
{
	auto_free char *line = memory_text("");

	while (*text) {
		const char *open = strstr(text, "{{"), *close = open ? strstr(open, "}}") : NULL;
		auto_free char *between = format_unescape(text, open ? (size_t)(open - text) : strlen(text));
		auto_free char *inner = close ? memory_text_n(open + 2, (size_t)(close - open) - 2) : NULL;
		int result;

		if (open && !close)
			return refuse(open, object, error);
		memory_append(&line, "%s", between);
		if (!open)
			break;
		result = append_value(&line, inner, object, error);
		if (result < 0)
			return result;
		text = close + 2;
	}
	*out = take_ptr(line);
	return 0;
}
