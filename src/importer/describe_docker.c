/*
 * The archive of docker save and podman save: manifest.json is a list of {"Config": PATH, "RepoTags": [NAME, ...],
 * "Layers": [PATH, ...]}. The layers' digests stand in the configuration alone; where a path is blobs/sha256/DIGEST
 * (Docker 25 and later), it promises another.
 */
#include <stdlib.h>
#include <string.h>

#include "base/json.h"
#include "base/memory.h"
#include "base/scope.h"
#include "base/strings.h"
#include "base/text.h"
#include "importer/describe.h"

/* One of the images in manifest.json. */
struct candidate {
	struct json_object *root, *config; /* borrowed; owned */
	const char *config_path;
	struct sandbox_strings names;
	struct platform platform;
};

static void candidates_finish(struct candidate **list)
{
	for (struct candidate *item = *list; item && item->root; item++) {
		json_free(&item->config);
		sandbox_strings_finish(&item->names);
	}
	free(*list);
}

/* The digest that a path promises, or NULL. */
static const char *promised(const char *path)
{
	static const char prefix[] = "blobs/sha256/";

	return text_starts_with(path, prefix) && digest_is_valid(path + strlen(prefix)) ? path + strlen(prefix) : NULL;
}

static int read_candidate(const struct blobs *blobs, struct candidate *out, struct sandbox_error *error)
{
	auto_finish(blob_finish) struct blob blob = BLOB_INIT;
	struct sandbox_error problem = {0};
	int result = json_get_string(out->root, "manifest.json", "Config", false, &out->config_path, &problem);

	if (result == 0)
		result = json_get_strings(out->root, "manifest.json", "RepoTags", true, &out->names, &problem);
	if (result < 0)
		return describe_refuse(error, "%.300s", problem.text);
	result = blob_open_path(blobs, out->config_path, &blob, error);
	if (result == 0)
		result = blob_parse(&blob, out->config_path, promised(out->config_path), &out->config, error);
	return result < 0 ? result : platform_read(out->config, "image config", &out->platform, error);
}

static bool fits(const struct candidate *candidate, bool alone, const struct import_choice *choice)
{
	if (choice->reference[0] && !strings_contain(&candidate->names, choice->reference))
		return false;
	/* An image that was saved for another machine is what its user wants. */
	return (alone && !platform_is_asked_for(choice)) || platform_fits(&candidate->platform, choice);
}

static int choose(struct candidate *list, size_t count, const struct import_choice *choice, struct candidate **out,
	size_t *out_fitting, struct sandbox_error *error)
{
	auto_free char *listed = memory_text("");
	size_t fitting = 0;

	for (size_t i = 0; i < count; i++) {
		char text[sizeof(struct platform) + 4];

		memory_append(&listed, "%s%s (%s)", i ? ", " : "",
			list[i].names.count ? list[i].names.items[0] : "a nameless one",
			platform_format(&list[i].platform, text, sizeof(text)));
		if (!fits(&list[i], count == 1, choice))
			continue;
		if (++fitting == choice->number || !choice->number)
			*out = &list[i];
	}
	*out_fitting = fitting;
	return choice_is_made(choice, fitting) ? 0 : describe_undecided(error, fitting, listed);
}

static int take_layers(const struct blobs *blobs, const struct candidate *candidate,
	const struct sandbox_strings *diffs, struct image_description *out, struct sandbox_error *error)
{
	auto_finish(sandbox_strings_finish) struct sandbox_strings paths = {0};
	struct sandbox_error problem = {0};
	int result = json_get_strings(candidate->root, "manifest.json", "Layers", true, &paths, &problem);

	if (result < 0)
		return describe_refuse(error, "%.300s", problem.text);
	if (paths.count != diffs->count)
		return describe_refuse(error, "it lists %zu layers, and the digests of %zu", paths.count, diffs->count);
	for (size_t i = 0; i < paths.count && result == 0; i++) {
		struct blob blob = BLOB_INIT;

		result = blob_open_path(blobs, paths.items[i], &blob, error);
		if (result == 0)
			result = describe_add_layer(out, diffs->items[i], promised(paths.items[i]), &blob, error);
	}
	return result;
}

static int describe_candidate(const struct blobs *blobs, const struct candidate *candidate,
	struct image_description *out, struct sandbox_error *error)
{
	auto_finish(sandbox_strings_finish) struct sandbox_strings diffs = {0};
	int result = describe_config(candidate->config, out, &diffs, error);

	for (size_t i = 0; i < candidate->names.count && result == 0; i++)
		result = describe_add_text(out, IMPORT_TEXT_NAME, candidate->names.items[i], error);
	return result < 0 ? result : take_layers(blobs, candidate, &diffs, out, error);
}

int describe_docker(const struct blobs *blobs, const struct blob *manifest, const struct import_choice *choice,
	struct image_description *out, struct sandbox_error *error)
{
	auto_finish(json_free) struct json_object *root = NULL;
	auto_finish(candidates_finish) struct candidate *list = NULL;
	struct candidate *chosen = NULL;
	int result = blob_parse(manifest, "manifest.json", NULL, &root, error);
	size_t count = result == 0 && json_is_array(root) ? json_length(root) : 0;

	if (result < 0)
		return result;
	if (count == 0 || count > IMPORT_IMAGES_MAX)
		return describe_refuse(error, "its manifest.json is not a list of 1 to %d images", IMPORT_IMAGES_MAX);
	list = memory_zeroed(count + 1, sizeof(*list));
	for (size_t i = 0; i < count && result == 0; i++) {
		list[i].root = json_item(root, i);
		if (!list[i].root)
			return describe_refuse(error, "its manifest.json lists nothing where an image should be");
		result = read_candidate(blobs, &list[i], error);
	}
	if (result == 0)
		result = choose(list, count, choice, &chosen, &out->fitting, error);
	return result < 0 || !chosen ? result : describe_candidate(blobs, chosen, out, error);
}
