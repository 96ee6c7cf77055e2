/*
 * An OCI layout: index.json lists manifests and further indexes, each by digest, size and media type, perhaps with a
 * platform and with the name that it goes by.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/json.h"
#include "base/memory.h"
#include "base/scope.h"
#include "base/strings.h"
#include "base/text.h"
#include "importer/describe.h"

enum {
	INDEX_DEPTH_MAX = 4, /* an index in an index is common, more is not */
	MANIFESTS_MAX = 1000,
	REFERENCE_MAX = 255,
};

/* A manifest that some index lists. Strings are owned. */
struct candidate {
	char digest[DIGEST_HEX_SIZE];
	uint64_t size;
	struct platform platform; /* with an empty os when the index does not say */
	char *name;
};

struct candidates {
	struct candidate *items;
	size_t count;
	size_t indexes; /* read so far: they may name each other many times */
};

static void candidates_finish(struct candidates *list)
{
	for (size_t i = 0; i < list->count; i++)
		free(list->items[i].name);
	free(list->items);
}

static int explain(const struct sandbox_error *problem, struct sandbox_error *error)
{
	return describe_refuse(error, "%.300s", problem->text);
}

/* "digest" and "size" of a descriptor: descriptor.md. */
static int read_reference(struct json_object *descriptor, const char *path, const char **out_digest,
	uint64_t *out_size, struct sandbox_error *error)
{
	struct sandbox_error problem = {0};
	const char *digest = "";

	if (json_get_string(descriptor, path, "digest", false, &digest, &problem) < 0 ||
	    json_get_unsigned(descriptor, path, "size", false, INT64_MAX, out_size, &problem) < 0)
		return explain(&problem, error);
	return describe_digest(digest, path, out_digest, error);
}

static int open_reference(const struct blobs *blobs, const char *digest, uint64_t size, struct blob *out,
	struct sandbox_error *error)
{
	int result = blob_open(blobs, digest, out, error);

	if (result < 0)
		return result;
	return out->size == size ? 0 : describe_refuse(error, "the blob %.12s… is of %llu bytes and should be of %llu",
		digest, (unsigned long long)out->size, (unsigned long long)size);
}

static int parse_reference(const struct blobs *blobs, const char *digest, uint64_t size, struct json_object **out,
	struct sandbox_error *error)
{
	auto_finish(blob_finish) struct blob blob = BLOB_INIT;
	int result = open_reference(blobs, digest, size, &blob, error);

	return result < 0 ? result : blob_parse(&blob, digest, digest, out, error);
}

enum media { MEDIA_OTHER, MEDIA_INDEX, MEDIA_MANIFEST };

static enum media media_of(const char *type)
{
	static const struct {
		const char *type;
		enum media media;
	} known[] = {
		{"application/vnd.oci.image.index.v1+json", MEDIA_INDEX},
		{"application/vnd.docker.distribution.manifest.list.v2+json", MEDIA_INDEX},
		{"application/vnd.oci.image.manifest.v1+json", MEDIA_MANIFEST},
		{"application/vnd.docker.distribution.manifest.v2+json", MEDIA_MANIFEST},
	};

	for (size_t i = 0; i < array_count(known); i++)
		if (strcmp(type, known[i].type) == 0)
			return known[i].media;
	return MEDIA_OTHER;
}

/* The name that an index gives: containerd's is the whole one, the spec's often the tag alone. */
static int read_name(struct json_object *descriptor, const char **out, struct sandbox_error *error)
{
	static const char *const keys[] = {"io.containerd.image.name", "org.opencontainers.image.ref.name"};
	struct sandbox_error problem = {0};
	struct json_object *annotations = NULL;
	int result = json_get_object(descriptor, "index", "annotations", true, &annotations, &problem);

	for (size_t i = 0; i < array_count(keys) && result == 0 && annotations && !*out; i++)
		result = json_get_string(annotations, "annotations", keys[i], true, out, &problem);
	if (result < 0)
		return explain(&problem, error);
	return *out && strlen(*out) > REFERENCE_MAX ? describe_refuse(error, "a name in its index is too long") : 0;
}

static int read_index(const struct blobs *blobs, struct json_object *index, const char *name, unsigned int depth,
	struct candidates *out, struct sandbox_error *error);

static int add_candidate(struct candidates *out, const char *digest, uint64_t size, const struct platform *platform,
	const char *name, struct sandbox_error *error)
{
	struct candidate *candidate;

	/* Statements about images (buildkit's attestations) are listed beside them. */
	if (strcmp(platform->os, "unknown") == 0)
		return 0;
	/* One image may go by several names: it is one all the same. */
	for (size_t i = 0; i < out->count; i++)
		if (strcmp(out->items[i].digest, digest) == 0 &&
		    (!name || (out->items[i].name && strcmp(out->items[i].name, name) == 0)))
			return 0;
	if (out->count == MANIFESTS_MAX)
		return describe_refuse(error, "its indexes list more than %d images", MANIFESTS_MAX);
	out->items = memory_resize(out->items, out->count + 1, sizeof(*out->items));
	candidate = &out->items[out->count++];
	*candidate = (struct candidate){.size = size, .platform = *platform, .name = memory_text(name)};
	(void)snprintf(candidate->digest, sizeof(candidate->digest), "%s", digest);
	return 0;
}

static int read_descriptor(const struct blobs *blobs, struct json_object *descriptor, const char *name,
	unsigned int depth, struct candidates *out, struct sandbox_error *error)
{
	auto_finish(json_free) struct json_object *inner = NULL;
	struct sandbox_error problem = {0};
	struct platform platform = {.os = ""};
	struct json_object *described = NULL;
	const char *type = "", *digest, *own_name = NULL;
	uint64_t size;
	int result = read_reference(descriptor, "index", &digest, &size, error);

	if (result == 0)
		result = read_name(descriptor, &own_name, error);
	if (result < 0)
		return result;
	if (json_get_string(descriptor, "index", "mediaType", true, &type, &problem) < 0 ||
	    json_get_object(descriptor, "index", "platform", true, &described, &problem) < 0)
		return explain(&problem, error);
	name = own_name ? own_name : name;
	switch (media_of(type)) {
	case MEDIA_MANIFEST:
		result = described ? platform_read(described, "platform", &platform, error) : 0;
		return result < 0 ? result : add_candidate(out, digest, size, &platform, name, error);
	case MEDIA_INDEX:
		if (depth == INDEX_DEPTH_MAX || out->indexes++ == MANIFESTS_MAX)
			return describe_refuse(error, "its indexes go too deep, or round in circles");
		result = parse_reference(blobs, digest, size, &inner, error);
		return result < 0 ? result : read_index(blobs, inner, name, depth + 1, out, error);
	default:
		return 0;
	}
}

static int read_index(const struct blobs *blobs, struct json_object *index, const char *name, unsigned int depth,
	struct candidates *out, struct sandbox_error *error)
{
	struct sandbox_error problem = {0};
	struct json_object *manifests = NULL;
	int result = json_get_array(index, "index", "manifests", false, &manifests, &problem);

	if (result < 0)
		return explain(&problem, error);
	for (size_t i = 0; i < json_length(manifests) && result == 0; i++)
		result = read_descriptor(blobs, json_item(manifests, i), name, depth, out, error);
	return result;
}

/* Both halves of a manifest: manifest.md. */
static int parse_manifest(const struct blobs *blobs, const struct candidate *candidate, struct json_object **out_manifest,
	struct json_object **out_config, struct sandbox_error *error)
{
	struct sandbox_error problem = {0};
	struct json_object *config;
	const char *digest;
	uint64_t size;
	int result = parse_reference(blobs, candidate->digest, candidate->size, out_manifest, error);

	if (result < 0)
		return result;
	if (json_get_object(*out_manifest, "manifest", "config", false, &config, &problem) < 0)
		return explain(&problem, error);
	result = read_reference(config, "manifest.config", &digest, &size, error);
	return result < 0 ? result : parse_reference(blobs, digest, size, out_config, error);
}

/* What the index did not say stands in the configuration. */
static int complete_platform(const struct blobs *blobs, struct candidate *candidate, struct sandbox_error *error)
{
	auto_finish(json_free) struct json_object *manifest = NULL, *config = NULL;
	int result = parse_manifest(blobs, candidate, &manifest, &config, error);

	return result < 0 ? result : platform_read(config, "image config", &candidate->platform, error);
}

static bool name_fits(const struct candidate *candidate, const struct import_choice *choice)
{
	return !choice->reference[0] || (candidate->name && strcmp(candidate->name, choice->reference) == 0);
}

static int choose(const struct blobs *blobs, struct candidates *list, const struct import_choice *choice,
	const struct candidate **out, size_t *out_fitting, struct sandbox_error *error)
{
	auto_free char *listed = memory_text("");
	bool alone = list->count == 1 && !platform_is_asked_for(choice);
	const struct candidate *last = NULL;
	size_t fitting = 0;

	for (size_t i = 0; i < list->count; i++) {
		struct candidate *candidate = &list->items[i];
		char text[sizeof(struct platform) + 4];
		int result = candidate->platform.os[0] || alone ? 0 : complete_platform(blobs, candidate, error);

		if (result < 0)
			return result;
		memory_append(&listed, "%s%s (%s)", i ? ", " : "", candidate->name ? candidate->name : "a nameless one",
			platform_format(&candidate->platform, text, sizeof(text)));
		if (!name_fits(candidate, choice) || !(alone || platform_fits(&candidate->platform, choice)))
			continue;
		/* Under another name it is the same image. */
		fitting += !last || strcmp(last->digest, candidate->digest) != 0;
		last = candidate;
		if (fitting == choice->number || !choice->number)
			*out = candidate;
	}
	*out_fitting = fitting;
	return choice_is_made(choice, fitting) ? 0 : describe_undecided(error, fitting, listed);
}

static int take_layer(const struct blobs *blobs, struct json_object *descriptor, const char *diff,
	struct image_description *out, struct sandbox_error *error)
{
	auto_finish(blob_finish) struct blob blob = BLOB_INIT;
	const char *digest;
	uint64_t size;
	int result = read_reference(descriptor, "manifest.layers", &digest, &size, error);

	if (result == 0)
		result = open_reference(blobs, digest, size, &blob, error);
	return result < 0 ? result : describe_add_layer(out, diff, digest, &blob, error);
}

/* The index, by which the image was chosen, may know the variant when the configuration does not. */
static int describe_platform(const struct platform *platform, struct image_description *out, struct sandbox_error *error)
{
	char text[sizeof(*platform) + 4];

	sandbox_strings_finish(&out->texts[IMPORT_TEXT_PLATFORM]);
	return describe_add_text(out, IMPORT_TEXT_PLATFORM, platform_format(platform, text, sizeof(text)), error);
}

/* An image that has several names is listed once for each. */
static int describe_names(const struct candidates *list, const struct candidate *chosen, struct image_description *out,
	struct sandbox_error *error)
{
	int result = 0;

	for (size_t i = 0; i < list->count && result == 0; i++)
		if (list->items[i].name && strcmp(list->items[i].digest, chosen->digest) == 0 &&
		    !strings_contain(&out->texts[IMPORT_TEXT_NAME], list->items[i].name))
			result = describe_add_text(out, IMPORT_TEXT_NAME, list->items[i].name, error);
	return result;
}

static int describe_manifest(const struct blobs *blobs, const struct candidate *candidate,
	struct image_description *out, struct sandbox_error *error)
{
	auto_finish(json_free) struct json_object *manifest = NULL, *config = NULL;
	auto_finish(sandbox_strings_finish) struct sandbox_strings diffs = {0};
	struct sandbox_error problem = {0};
	struct json_object *layers = NULL;
	int result = parse_manifest(blobs, candidate, &manifest, &config, error);

	if (result == 0)
		result = describe_config(config, out, &diffs, error);
	if (result == 0 && candidate->platform.os[0])
		result = describe_platform(&candidate->platform, out, error);
	if (result < 0)
		return result;
	if (json_get_array(manifest, "manifest", "layers", false, &layers, &problem) < 0)
		return explain(&problem, error);
	if (json_length(layers) != diffs.count)
		return describe_refuse(error, "it lists %zu layers, and the digests of %zu", json_length(layers), diffs.count);
	for (size_t i = 0; i < diffs.count && result == 0; i++)
		result = take_layer(blobs, json_item(layers, i), diffs.items[i], out, error);
	return result;
}

int describe_oci(const struct blobs *blobs, const struct blob *index, const struct import_choice *choice,
	struct image_description *out, struct sandbox_error *error)
{
	auto_finish(json_free) struct json_object *root = NULL;
	auto_finish(candidates_finish) struct candidates list = {0};
	const struct candidate *chosen = NULL;
	int result = blob_parse(index, "index.json", NULL, &root, error);

	if (result == 0)
		result = read_index(blobs, root, NULL, 0, &list, error);
	if (result < 0)
		return result;
	if (list.count == 0)
		return describe_refuse(error, "its index lists no image");
	result = choose(blobs, &list, choice, &chosen, &out->fitting, error);
	if (result == 0 && chosen)
		result = describe_names(&list, chosen, out, error);
	return result < 0 || !chosen ? result : describe_manifest(blobs, chosen, out, error);
}
