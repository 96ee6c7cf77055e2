#include "cli/image_describe.h"

static struct json_object *describe_config(const struct sandbox_image *image)
{
	struct json_object *object = json_new_object();

	json_add_strings(object, "env", &image->env);
	json_add_strings(object, "entrypoint", &image->entrypoint);
	json_add_strings(object, "command", &image->command);
	json_add_string(object, "user", image->user);
	json_add_string(object, "workdir", image->workdir);
	json_add_string(object, "stop_signal", image->stop_signal);
	json_add_strings(object, "ports", &image->ports);
	json_add_strings(object, "labels", &image->labels);
	return object;
}

struct json_object *image_describe(const struct sandbox_image *image)
{
	struct json_object *object = json_new_object();

	json_add_strings(object, "names", &image->names);
	json_add_string(object, "digest", image->digest);
	json_add_strings(object, "layers", &image->layers);
	json_add_string(object, "platform", image->platform);
	json_add(object, "config", describe_config(image));
	json_add_strings(object, "archive_names", &image->archive_names);
	json_add_string(object, "source", image->source);
	json_add_string(object, "compression", image->compression);
	json_add_unsigned(object, "imported", image->imported < 0 ? 0 : (uint64_t)image->imported);
	json_add_unsigned(object, "used", image->used < 0 ? 0 : (uint64_t)image->used);
	json_add_unsigned(object, "archive_bytes", image->archive_bytes);
	json_add_unsigned(object, "size", image->size);
	json_add_unsigned(object, "entries", image->entries);
	json_add_unsigned(object, "devices_skipped", image->devices_skipped);
	json_add_unsigned(object, "attributes_dropped", image->attributes_dropped);
	json_add_unsigned(object, "owners_dropped", image->owners_dropped);
	return object;
}
