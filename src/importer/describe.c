#include "importer/describe.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/json.h"
#include "base/memory.h"
#include "base/scope.h"
#include "base/text.h"

void image_description_finish(struct image_description *description)
{
	free(description->layers);
	for (size_t i = 0; i < IMPORT_TEXT_KINDS; i++)
		sandbox_strings_finish(&description->texts[i]);
	*description = (struct image_description){0};
}

int describe_refuse(struct sandbox_error *error, const char *format, ...)
{
	char why[sizeof(error->cause)];
	va_list arguments;

	va_start(arguments, format);
	(void)vsnprintf(why, sizeof(why), format, arguments);
	va_end(arguments);
	(void)error_set(error, 0, "read the image in the archive");
	return error_cause(error, SANDBOX_E_ARCHIVE_FORMAT, "%s", why);
}

int describe_mismatch(struct sandbox_error *error, const char *name, const char *wanted, const char *found)
{
	(void)error_set(error, 0, "refused the image: %.100s is not what it should be", name);
	return error_cause(error, SANDBOX_E_ARCHIVE_HOSTILE, "its digest should be %.12s…, and is %.12s…", wanted, found);
}

int describe_undecided(struct sandbox_error *error, size_t fitting, const char *listed)
{
	(void)error_set(error, 0, fitting ? "the archive holds several images" : "the archive holds no such image");
	(void)error_cause(error, SANDBOX_E_IMAGE_CHOICE, "there are: %.300s", listed);
	return error_fix(error, "choose with --platform OS/ARCHITECTURE or --select NAME");
}

int describe_add_layer(struct image_description *out, const char *diff, const char *blob, const struct blob *place,
	struct sandbox_error *error)
{
	struct import_layer *layer;

	if (out->layer_count == IMPORT_LAYERS_MAX) {
		(void)error_set(error, E2BIG, "read the image in the archive");
		return error_cause(error, SANDBOX_E_ARCHIVE_LIMIT, "it has more than %d layers", IMPORT_LAYERS_MAX);
	}
	if (!place->size)
		return describe_refuse(error, "the layer %.12s is empty", diff);
	out->layers = memory_resize(out->layers, out->layer_count + 1, sizeof(*out->layers));
	layer = &out->layers[out->layer_count++];
	*layer = (struct import_layer){.offset = place->offset, .size = place->size};
	(void)snprintf(layer->diff.hex, sizeof(layer->diff.hex), "%s", diff);
	(void)snprintf(layer->blob.hex, sizeof(layer->blob.hex), "%s", blob ? blob : "");
	return 0;
}

int describe_add_text(struct image_description *out, enum import_text_kind kind, const char *text,
	struct sandbox_error *error)
{
	size_t total = strlen(text), count = 1;

	for (size_t i = 0; i < IMPORT_TEXT_KINDS; i++) {
		count += out->texts[i].count;
		for (size_t j = 0; j < out->texts[i].count; j++)
			total += strlen(out->texts[i].items[j]);
	}
	if (strlen(text) > IMPORT_TEXT_MAX || total > IMPORT_TEXTS_MAX || count > IMPORT_TEXT_COUNT_MAX) {
		(void)error_set(error, E2BIG, "read the image in the archive");
		return error_cause(error, SANDBOX_E_ARCHIVE_LIMIT, "its configuration is larger than any real one");
	}
	sandbox_strings_add(&out->texts[kind], text);
	return 0;
}

int describe_digest(const char *text, const char *path, const char **out, struct sandbox_error *error)
{
	static const char prefix[] = "sha256:";

	if (!text_starts_with(text, prefix) || !digest_is_valid(text + strlen(prefix)))
		return describe_refuse(error, "%s is not the SHA-256 of anything", path);
	*out = text + strlen(prefix);
	return 0;
}

bool platform_is_asked_for(const struct import_choice *choice)
{
	return choice->os[0] != '\0';
}

bool choice_is_made(const struct import_choice *choice, size_t fitting)
{
	return choice->number ? choice->number <= fitting : fitting == 1;
}

bool platform_fits(const struct platform *platform, const struct import_choice *choice)
{
	if (!platform_is_asked_for(choice))
		return strcmp(platform->os, "linux") == 0 && strcmp(platform->architecture, image_own_architecture) == 0;
	return strcmp(platform->os, choice->os) == 0 && strcmp(platform->architecture, choice->architecture) == 0 &&
		(!choice->variant[0] || strcmp(platform->variant, choice->variant) == 0);
}

static int platform_field(struct json_object *object, const char *path, const char *key, char *out, size_t size,
	struct sandbox_error *error)
{
	struct sandbox_error problem = {0};
	const char *text = "";

	if (json_get_string(object, path, key, true, &text, &problem) < 0)
		return describe_refuse(error, "%.300s", problem.text);
	if (strlen(text) >= size)
		return describe_refuse(error, "%s.%s is longer than any real one", path, key);
	(void)snprintf(out, size, "%s", text);
	return 0;
}

int platform_read(struct json_object *object, const char *path, struct platform *out, struct sandbox_error *error)
{
	int result = platform_field(object, path, "os", out->os, sizeof(out->os), error);

	if (result == 0)
		result = platform_field(object, path, "architecture", out->architecture, sizeof(out->architecture), error);
	return result < 0 ? result : platform_field(object, path, "variant", out->variant, sizeof(out->variant), error);
}

const char *platform_format(const struct platform *platform, char *buffer, size_t size)
{
	(void)snprintf(buffer, size, "%s/%s%s%s", platform->os, platform->architecture, platform->variant[0] ? "/" : "",
		platform->variant);
	return buffer;
}
