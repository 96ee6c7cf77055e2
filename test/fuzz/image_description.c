/*
 * Manifests, indexes and configurations of images, as the importer reads them and as sandbox takes what it is told. The
 * input is a list of texts, separated by NULs: the first byte chooses between docker save ("d") and OCI; then come the
 * table of contents and the files. "@N" in one of them becomes the digest of the Nth after it, "#N" its size, so that the
 * fuzzer need not find digests by chance.
 */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "base/memory.h"
#include "base/scope.h"
#include "base/text.h"
#include "image/config.h"
#include "importer/describe.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { TEXTS_MAX = 10 };

struct texts {
	char *items[TEXTS_MAX];
	size_t count;
};

static void must(int condition)
{
	if (!condition)
		abort();
}

static void texts_finish(struct texts *texts)
{
	for (size_t i = 0; i < texts->count; i++)
		free(texts->items[i]);
}

/* What lies behind a text is final when it is filled in. */
static char *fill_in(const struct texts *texts, size_t index)
{
	char *out = memory_text("");

	for (const char *cursor = texts->items[index]; *cursor; cursor++) {
		size_t number = index + (size_t)(cursor[1] - '0');
		bool named = (*cursor == '@' || *cursor == '#') && cursor[1] > '0' && cursor[1] <= '9' && number < texts->count;
		struct digest digest;

		if (!named) {
			memory_append(&out, "%c", *cursor);
			continue;
		}
		digest_of(texts->items[number], strlen(texts->items[number]), &digest);
		if (*cursor++ == '@')
			memory_append(&out, "%s", digest.hex);
		else
			memory_append(&out, "%zu", strlen(texts->items[number]));
	}
	return out;
}

static void read_texts(const uint8_t *data, size_t size, struct texts *out)
{
	while (size && out->count < TEXTS_MAX) {
		size_t length = strnlen((const char *)data, size);

		out->items[out->count++] = memory_text_n((const char *)data, length);
		data += length + (length < size);
		size -= length + (length < size);
	}
	for (size_t i = out->count; i-- > 0;) {
		char *filled = fill_in(out, i);

		free(out->items[i]);
		out->items[i] = filled;
	}
}

/* Each text as a file, named by its number and by its digest. The end of the last one. */
static uint64_t lay_out(const struct texts *texts, int file, struct members *out)
{
	uint64_t offset = 0;

	for (size_t i = 0; i < texts->count; i++) {
		size_t length = strlen(texts->items[i]);
		struct digest digest;

		digest_of(texts->items[i], length, &digest);
		must(pwrite(file, texts->items[i], length, (off_t)offset) == (ssize_t)length);
		must(members_add(out, memory_format("%zu", i), NULL, offset, length, false, NULL) == 0);
		must(members_add(out, memory_format("blobs/sha256/%s", digest.hex), NULL, offset, length, false, NULL) == 0);
		offset += length;
	}
	must(members_add(out, memory_text("link"), memory_text("../link"), 0, 0, false, NULL) == 0);
	return offset;
}

/* What the other process makes of it. */
static void take(const struct image_description *image, uint64_t end)
{
	auto_finish(image_config_finish) struct image_config config = {.user = NULL};

	must(image->layer_count <= IMPORT_LAYERS_MAX);
	for (size_t i = 0; i < image->layer_count; i++)
		must(digest_is_valid(image->layers[i].diff.hex) && image->layers[i].size &&
			image->layers[i].offset + image->layers[i].size <= end);
	for (unsigned int kind = 1; kind < IMPORT_TEXT_KINDS; kind++)
		for (size_t i = 0; i < image->texts[kind].count; i++)
			(void)image_config_add(&config, (enum import_text_kind)kind, image->texts[kind].items[i], NULL);
	for (size_t i = 0; i < config.env.count; i++)
		must(text_is_utf8(config.env.items[i]) && strchr(config.env.items[i], '=') > config.env.items[i]);
	must(!config.workdir || *config.workdir == '/');
	must(!config.user || !strpbrk(config.user, " \n\t\033/"));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const struct import_choice any;
	auto_finish(image_description_finish) struct image_description image = {.layers = NULL};
	auto_finish(texts_finish) struct texts texts = {.count = 0};
	auto_finish(members_finish) struct members members = {.items = NULL};
	auto_close int file = memfd_create("image", MFD_CLOEXEC);
	struct blobs blobs = {&members, file, 0, -1};
	struct blob first = BLOB_INIT;
	struct sandbox_error error = {.text = ""};
	uint64_t end;
	int result;

	if (!size)
		return 0;
	must(file >= 0);
	read_texts(data + 1, size - 1, &texts);
	end = lay_out(&texts, file, &members);
	if (blob_open_path(&blobs, "0", &first, NULL) < 0)
		return 0;
	result = (*data == 'd' ? describe_docker : describe_oci)(&blobs, &first, &any, &image, &error);
	/* Every failure says what it is. */
	must(result == 0 || (error.text[0] && memchr(error.text, 0, sizeof(error.text))));
	if (result == 0)
		take(&image, end);
	return 0;
}
