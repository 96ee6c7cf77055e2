/* An image's configuration: config.md of the OCI image spec, and Docker's, which is the same here. */
#include <string.h>

#include "base/json.h"
#include "base/memory.h"
#include "base/scope.h"
#include "base/text.h"
#include "importer/describe.h"

/* Errors of json.h name the path; here they become those of the image. */
static int explain(const struct sandbox_error *problem, struct sandbox_error *error)
{
	return describe_refuse(error, "%.300s", problem->text);
}

static int take_list(struct json_object *config, const char *key, enum import_text_kind kind,
	struct image_description *out, struct sandbox_error *error)
{
	auto_finish(sandbox_strings_finish) struct sandbox_strings list = {0};
	struct sandbox_error problem = {0};
	int result = json_get_strings(config, "config", key, true, &list, &problem);

	if (result < 0)
		return explain(&problem, error);
	for (size_t i = 0; i < list.count && result == 0; i++)
		result = describe_add_text(out, kind, list.items[i], error);
	return result;
}

static int take_text(struct json_object *config, const char *key, enum import_text_kind kind,
	struct image_description *out, struct sandbox_error *error)
{
	struct sandbox_error problem = {0};
	const char *text = "";

	if (json_get_string(config, "config", key, true, &text, &problem) < 0)
		return explain(&problem, error);
	return *text ? describe_add_text(out, kind, text, error) : 0;
}

/* The keys of an object, with their values where these are strings: ExposedPorts has {}. */
static int take_object(struct json_object *config, const char *key, enum import_text_kind kind, bool with_values,
	struct image_description *out, struct sandbox_error *error)
{
	auto_finish(sandbox_strings_finish) struct sandbox_strings keys = {0};
	struct sandbox_error problem = {0};
	struct json_object *object = NULL;
	int result = json_get_object(config, "config", key, true, &object, &problem);

	if (result == 0 && object)
		result = json_get_keys(object, key, &keys, &problem);
	for (size_t i = 0; i < keys.count && result == 0; i++) {
		auto_free char *text = NULL;
		const char *value = "";

		if (with_values && json_get_string(object, key, keys.items[i], true, &value, &problem) < 0)
			break;
		text = with_values ? memory_format("%s=%s", keys.items[i], value) : memory_text(keys.items[i]);
		result = describe_add_text(out, kind, text, error);
	}
	return problem.text[0] ? explain(&problem, error) : result;
}

static const struct {
	const char *key;
	enum import_text_kind kind;
	int (*take)(struct json_object *config, const char *key, enum import_text_kind kind, struct image_description *out,
		struct sandbox_error *error);
} fields[] = {
	{"Env", IMPORT_TEXT_ENV, take_list},
	{"Entrypoint", IMPORT_TEXT_ENTRYPOINT, take_list},
	{"Cmd", IMPORT_TEXT_COMMAND, take_list},
	{"User", IMPORT_TEXT_USER, take_text},
	{"WorkingDir", IMPORT_TEXT_WORKDIR, take_text},
	{"StopSignal", IMPORT_TEXT_STOP_SIGNAL, take_text},
};

static int take_fields(struct json_object *config, struct image_description *out, struct sandbox_error *error)
{
	int result = 0;

	for (size_t i = 0; i < array_count(fields) && result == 0; i++)
		result = fields[i].take(config, fields[i].key, fields[i].kind, out, error);
	if (result == 0)
		result = take_object(config, "ExposedPorts", IMPORT_TEXT_PORT, false, out, error);
	return result < 0 ? result : take_object(config, "Labels", IMPORT_TEXT_LABEL, true, out, error);
}

static int take_platform(struct json_object *root, struct image_description *out, struct sandbox_error *error)
{
	struct platform platform;
	char text[sizeof(platform) + 4];
	int result = platform_read(root, "image config", &platform, error);

	return result < 0 ? result :
		describe_add_text(out, IMPORT_TEXT_PLATFORM, platform_format(&platform, text, sizeof(text)), error);
}

/* "rootfs": {"type": "layers", "diff_ids": [...]} */
static int take_diffs(struct json_object *root, struct sandbox_strings *out, struct sandbox_error *error)
{
	struct sandbox_error problem = {0};
	struct json_object *rootfs = NULL;
	const char *type = "", *hex;
	int result = json_get_object(root, "image config", "rootfs", false, &rootfs, &problem);

	if (result == 0)
		result = json_get_string(rootfs, "rootfs", "type", false, &type, &problem);
	if (result == 0)
		result = json_get_strings(rootfs, "rootfs", "diff_ids", false, out, &problem);
	if (result < 0)
		return explain(&problem, error);
	if (strcmp(type, "layers") != 0)
		return describe_refuse(error, "its root file system is of the unknown type \"%.32s\"", type);
	for (size_t i = 0; i < out->count && result == 0; i++) {
		result = describe_digest(out->items[i], "rootfs.diff_ids", &hex, error);
		if (result == 0)
			(void)memmove(out->items[i], hex, strlen(hex) + 1);
	}
	return result;
}

enum { STEP_FIELD_MAX = 4096, STEPS_MAX = 1024, STEPS_SIZE_MAX = 128 << 10 };

/* History is only shown: it is cut where it is long, and fits on one line but for its commands. */
static char *take_step_text(struct json_object *step, const char *key, bool one_line)
{
	const char *text = "";
	char *taken;

	if (json_get_string(step, "history", key, true, &text, NULL) < 0)
		text = "";
	taken = memory_text_n(text, text_cut(text, STEP_FIELD_MAX));
	for (char *byte = taken; *byte && one_line; byte++)
		if ((unsigned char)*byte < ' ')
			*byte = ' ';
	return taken;
}

static char *describe_step(struct json_object *step)
{
	auto_free char *created = take_step_text(step, "created", true), *comment = take_step_text(step, "comment", true);
	auto_free char *created_by = take_step_text(step, "created_by", false);
	bool empty = false;

	if (json_get_boolean(step, "history", "empty_layer", true, &empty, NULL) < 0)
		empty = false;
	return memory_format("%d\t%s\t%s\t%s", !empty, created, comment, created_by);
}

static int take_history(struct json_object *root, struct image_description *out, struct sandbox_error *error)
{
	struct json_object *steps = NULL;
	size_t size = 0;
	int result = 0;

	if (json_get_array(root, "image config", "history", true, &steps, NULL) < 0 || !steps)
		return 0;
	for (size_t i = 0; i < json_length(steps) && i < STEPS_MAX && size < STEPS_SIZE_MAX && result == 0; i++) {
		auto_free char *text = json_item(steps, i) ? describe_step(json_item(steps, i)) : NULL;

		size += text ? strlen(text) : 0;
		if (text && text_is_utf8(text))
			result = describe_add_text(out, IMPORT_TEXT_HISTORY, text, error);
	}
	return result;
}

int describe_config(struct json_object *root, struct image_description *out, struct sandbox_strings *out_diffs,
	struct sandbox_error *error)
{
	struct sandbox_error problem = {0};
	struct json_object *config = NULL;
	int result;

	if (json_get_object(root, "image config", "config", true, &config, &problem) < 0)
		return explain(&problem, error);
	result = take_platform(root, out, error);
	if (result == 0)
		result = take_diffs(root, out_diffs, error);
	if (result == 0 && config)
		result = take_fields(config, out, error);
	return result < 0 ? result : take_history(root, out, error);
}
