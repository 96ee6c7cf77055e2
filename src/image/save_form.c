#include "image/save_form.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/json.h"
#include "base/memory.h"
#include "base/scope.h"
#include "base/strings.h"

enum { TIME_SIZE = 24 };

static const char layer_type[] = "application/vnd.oci.image.layer.v1.tar";
static const char config_type[] = "application/vnd.oci.image.config.v1+json";
static const char manifest_type[] = "application/vnd.oci.image.manifest.v1+json";
static const char index_type[] = "application/vnd.oci.image.index.v1+json";

void saved_image_finish(struct saved_image *image)
{
	image_record_finish(&image->record);
	free(image->name);
	free(image->layers);
	*image = (struct saved_image){.name = NULL};
}

static char *finish_text(struct json_object *root)
{
	char *text = json_text(root);

	json_free(&root);
	return text;
}

static void add_digest(struct json_object *object, const char *key, const struct digest *digest)
{
	auto_free char *text = memory_format("sha256:%s", digest->hex);

	json_add_string(object, key, text);
}

/* RFC 3339, UTC. */
static void add_time(struct json_object *object, const char *key, int64_t seconds)
{
	time_t moment = (time_t)seconds;
	char text[TIME_SIZE];
	struct tm utc;

	if (gmtime_r(&moment, &utc) && strftime(text, sizeof(text), "%Y-%m-%dT%H:%M:%SZ", &utc))
		json_add_string(object, key, text);
}

/* ---- the configuration ---- */

/* "OS/ARCHITECTURE[/VARIANT]". A root file system that says nothing is taken to be for this machine. */
static void add_platform(struct json_object *object, const char *platform)
{
	static const char *const keys[] = {"os", "architecture", "variant"};
	auto_free char *text = platform ? memory_text(platform) : memory_format("linux/%s", image_own_architecture);
	char *rest = text;

	for (size_t i = 0; i < array_count(keys) && rest; i++)
		json_add_string(object, keys[i], strsep(&rest, "/"));
}

static void add_list(struct json_object *object, const char *key, const struct sandbox_strings *list)
{
	if (list->count)
		json_add_strings(object, key, list);
}

static void add_text(struct json_object *object, const char *key, const char *text)
{
	if (text)
		json_add_string(object, key, text);
}

static void add_ports(struct json_object *object, const struct sandbox_strings *ports)
{
	struct json_object *set = json_new_object();

	for (size_t i = 0; i < ports->count; i++)
		json_add(set, ports->items[i], json_new_object());
	json_add(object, "ExposedPorts", set);
}

static void add_labels(struct json_object *object, const struct sandbox_strings *labels)
{
	struct json_object *map = json_new_object();

	for (size_t i = 0; i < labels->count; i++) {
		const char *equals = strchr(labels->items[i], '=');
		auto_free char *key = memory_text_n(labels->items[i], (size_t)(equals - labels->items[i]));

		json_add_string(map, key, equals + 1);
	}
	json_add(object, "Labels", map);
}

static struct json_object *describe_run(const struct image_config *config)
{
	struct json_object *object = json_new_object();

	add_list(object, "Env", &config->env);
	add_list(object, "Entrypoint", &config->entrypoint);
	add_list(object, "Cmd", &config->command);
	add_text(object, "User", config->user);
	add_text(object, "WorkingDir", config->workdir);
	add_text(object, "StopSignal", config->stop_signal);
	if (config->ports.count)
		add_ports(object, &config->ports);
	if (config->labels.count)
		add_labels(object, &config->labels);
	return object;
}

static struct json_object *describe_diffs(const struct saved_image *image)
{
	struct json_object *object = json_new_object();
	auto_finish(sandbox_strings_finish) struct sandbox_strings diffs = {0};

	for (size_t i = 0; i < image->layer_count; i++)
		strings_take(&diffs, memory_format("sha256:%s", image->layers[i].diff.hex));
	json_add_string(object, "type", "layers");
	json_add_strings(object, "diff_ids", &diffs);
	return object;
}

static void add_step_text(struct json_object *entry, const char *key, const char *text)
{
	if (text && *text)
		json_add_string(entry, key, text);
}

/* IMPORT_TEXT_HISTORY tells the form; it was looked at when it came out of the record. */
static struct json_object *describe_step(const char *step)
{
	struct json_object *entry = json_new_object();
	auto_free char *copy = memory_text(step);
	char *rest = copy;
	bool empty = strcmp(strsep(&rest, "\t"), "0") == 0;

	add_step_text(entry, "created", strsep(&rest, "\t"));
	add_step_text(entry, "comment", strsep(&rest, "\t"));
	add_step_text(entry, "created_by", rest);
	if (empty)
		json_add_boolean(entry, "empty_layer", true);
	return entry;
}

static struct json_object *describe_import(const struct saved_image *image)
{
	struct json_object *entry = json_new_object();
	auto_free char *by = memory_format("sandbox import %s", image->record.source);

	add_time(entry, "created", image->record.created);
	json_add_string(entry, "created_by", by);
	return entry;
}

/* Readers count the steps that made a layer: where the image's own history does not fit to what is here, it is told anew. */
static struct json_object *describe_history(const struct saved_image *image)
{
	const struct sandbox_strings *steps = &image->record.config.history;
	struct json_object *array = json_new_array();
	size_t layers = 0;

	for (size_t i = 0; i < steps->count; i++)
		layers += steps->items[i][0] == '1';
	if (layers == image->layer_count)
		for (size_t i = 0; i < steps->count; i++)
			json_append(array, describe_step(steps->items[i]));
	else
		for (size_t i = 0; i < image->layer_count; i++)
			json_append(array, describe_import(image));
	return array;
}

char *save_config_text(const struct saved_image *image)
{
	struct json_object *root = json_new_object();

	add_time(root, "created", image->record.created);
	add_platform(root, image->record.config.platform);
	json_add(root, "config", describe_run(&image->record.config));
	json_add(root, "rootfs", describe_diffs(image));
	json_add(root, "history", describe_history(image));
	return finish_text(root);
}

/* ---- who belongs to whom ---- */

static struct json_object *describe_blob(const char *type, const struct digest *digest, uint64_t size)
{
	struct json_object *object = json_new_object();

	json_add_string(object, "mediaType", type);
	add_digest(object, "digest", digest);
	json_add_unsigned(object, "size", size);
	return object;
}

char *save_manifest_text(const struct saved_image *image, size_t config_size)
{
	struct json_object *root = json_new_object(), *layers = json_new_array();

	json_add_unsigned(root, "schemaVersion", 2);
	json_add_string(root, "mediaType", manifest_type);
	json_add(root, "config", describe_blob(config_type, &image->config, config_size));
	for (size_t i = 0; i < image->layer_count; i++)
		json_append(layers, describe_blob(layer_type, &image->layers[i].diff, image->layers[i].size));
	json_add(root, "layers", layers);
	return finish_text(root);
}

char *save_index_text(const struct saved_image *images, size_t count)
{
	struct json_object *root = json_new_object(), *manifests = json_new_array();

	for (size_t i = 0; i < count; i++) {
		struct json_object *manifest = describe_blob(manifest_type, &images[i].manifest, images[i].manifest_size);

		if (images[i].name) {
			struct json_object *annotations = json_new_object();

			json_add_string(annotations, "org.opencontainers.image.ref.name", images[i].name);
			json_add(manifest, "annotations", annotations);
		}
		json_append(manifests, manifest);
	}
	json_add_unsigned(root, "schemaVersion", 2);
	json_add_string(root, "mediaType", index_type);
	json_add(root, "manifests", manifests);
	return finish_text(root);
}

static struct json_object *describe_docker_image(const struct saved_image *image)
{
	auto_finish(sandbox_strings_finish) struct sandbox_strings layers = {0}, names = {0};
	auto_free char *config = memory_format("%s.json", image->config.hex);
	struct json_object *object = json_new_object();

	for (size_t i = 0; i < image->layer_count; i++)
		strings_take(&layers, memory_format("%s.tar", image->layers[i].diff.hex));
	if (image->name)
		sandbox_strings_add(&names, image->name);
	json_add_string(object, "Config", config);
	json_add_strings(object, "RepoTags", &names);
	json_add_strings(object, "Layers", &layers);
	return object;
}

char *save_docker_manifest_text(const struct saved_image *images, size_t count)
{
	struct json_object *array = json_new_array();

	for (size_t i = 0; i < count; i++)
		json_append(array, describe_docker_image(&images[i]));
	return finish_text(array);
}
