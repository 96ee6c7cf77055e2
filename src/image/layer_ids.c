#include "image/layer_ids.h"

#include <errno.h>
#include <string.h>

#include "base/file.h"
#include "base/json.h"
#include "base/log.h"
#include "base/scope.h"

enum { IDS_SIZE_MAX = 16 << 10, IDS_TEXT_SIZE = ID_MAP_EXTENTS_MAX * 36 };

const char layer_ids_name[] = "ids.json";

/* As the kernel writes them: a line for each extent. */
static void add_extents(struct json_object *root, const char *key, const struct id_extents *extents)
{
	char text[IDS_TEXT_SIZE], *comma = text;

	(void)id_extents_format(extents, text, sizeof(text));
	while ((comma = strchr(comma, ',')))
		*comma = '\n';
	json_add_string(root, key, text);
}

struct json_object *layer_ids_describe(const struct layer_ids *ids)
{
	struct json_object *object = json_new_object();

	json_add_unsigned(object, "single", ids->map.single);
	add_extents(object, "users", &ids->map.users);
	add_extents(object, "groups", &ids->map.groups);
	json_add_unsigned(object, "lost", ids->lost);
	return object;
}

int layer_ids_save(int wrapper, const struct layer_ids *ids, struct sandbox_error *error)
{
	auto_finish(json_free) struct json_object *root = layer_ids_describe(ids);
	auto_free char *text = json_text(root);

	return file_replace(wrapper, layer_ids_name, text, strlen(text), 0600, error);
}

static int get_extents(struct json_object *object, const char *path, const char *key, struct id_extents *out,
	struct sandbox_error *error)
{
	const char *text;
	int result = json_get_string(object, path, key, false, &text, error);

	return result < 0 ? result : id_extents_parse(text, out, error);
}

int layer_ids_read(struct json_object *object, const char *path, struct layer_ids *out, struct sandbox_error *error)
{
	uint64_t single = 0;
	int result = json_get_unsigned(object, path, "single", false, 1, &single, error);

	*out = (struct layer_ids){0};
	if (result == 0)
		result = get_extents(object, path, "users", &out->map.users, error);
	if (result == 0)
		result = get_extents(object, path, "groups", &out->map.groups, error);
	if (result == 0)
		result = json_get_unsigned(object, path, "lost", false, UINT64_MAX, &out->lost, error);
	out->map.single = single;
	return result;
}

int layer_ids_load(int wrapper, struct layer_ids *out, struct sandbox_error *error)
{
	auto_finish(json_free) struct json_object *root = NULL;
	struct sandbox_error problem = {0};
	auto_free char *text = NULL;
	struct layer_ids ids = {0};
	size_t size;
	int result = file_read(wrapper, layer_ids_name, IDS_SIZE_MAX, &text, &size, error);

	if (result < 0)
		return result;
	result = json_parse(text, size, layer_ids_name, &root, &problem);
	if (result == 0)
		result = layer_ids_read(root, layer_ids_name, &ids, &problem);
	if (result < 0) {
		/* A crash left it like that. */
		log_debug("ignored %s: %s", layer_ids_name, problem.text);
		return error_set(error, ENOENT, "open %s", layer_ids_name);
	}
	*out = ids;
	return 0;
}
