#include "image/load.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/interrupt.h"
#include "base/memory.h"
#include "base/scope.h"
#include "base/strings.h"
#include "base/test_switch.h"

enum { COPY_BUFFER_SIZE = 256 << 10 };

void image_list_finish(struct image_list *images)
{
	for (size_t i = 0; i < images->count; i++)
		image_finish(&images->items[i]);
	free(images->items);
	*images = (struct image_list){.items = NULL};
}

/* ---- standard input ---- */

/* Compressed it is no longer than what comes out of it: so the same limit holds. */
static int check_size(uint64_t size, uint64_t limit, struct sandbox_error *error)
{
	if (size <= limit || test_defence_removed("load-bound"))
		return 0;
	(void)error_set(error, 0, "set the archive aside");
	(void)error_cause(error, SANDBOX_E_ARCHIVE_LIMIT, "it is longer than the limit of %llu bytes", (unsigned long long)limit);
	return error_fix(error, "if you trust it, raise the limit: sandbox load --max-size SIZE");
}

/* The archive is read once for each of its images: what cannot be read again is set aside first. */
static int set_aside(struct staging *staging, int from, uint64_t limit, struct sandbox_error *error)
{
	uint64_t size = 0;
	auto_finish(interrupt_release) struct interrupt interrupt = INTERRUPT_INIT;
	auto_free char *buffer = memory_zeroed(COPY_BUFFER_SIZE, 1);
	auto_close int spool = openat(staging->wrapper, "input", O_RDWR | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
	int result = spool < 0 ? error_set(error, errno, "make a staging file") : interrupt_hold(&interrupt, error);

	while (result == 0) {
		ssize_t got;

		result = interrupt_wait(&interrupt, from, error);
		got = result == 0 ? read(from, buffer, COPY_BUFFER_SIZE) : 0;
		if (result == 0 && got < 0 && errno != EINTR && errno != EAGAIN)
			result = error_set(error, errno, "read standard input");
		if (result == 0 && got == 0)
			return take_fd(&spool);
		size += got > 0 ? (uint64_t)got : 0;
		if (result == 0)
			result = check_size(size, limit, error);
		if (result == 0 && got > 0 && fd_write_all(spool, buffer, (size_t)got) < 0)
			result = error_set(error, errno, "set the archive aside");
	}
	if (result < 0)
		(void)image_store_explain_full(error);
	return result;
}

/* ---- names ---- */

/* A name of the archive's for an image. */
static void take_name(struct image_store *store, struct image *image, char *name, struct store_name **changes, size_t *count)
{
	struct digest other;

	if (!image_name_is_valid(name)) {
		strings_take(&image->notices, memory_format("the archive's name for it, \"%.200s\", is none here", name));
		return;
	}
	if (store_name_find(store, name, &other) == 0 && strcmp(other.hex, image->record.digest.hex) != 0)
		strings_take(&image->notices, memory_format("%s was the name of sha256:%.12s until now", name, other.hex));
	*changes = memory_resize(*changes, *count + 1, sizeof(**changes));
	(*changes)[(*count)++] = (struct store_name){name, image->record.digest, &image->record};
}

static int name_all(struct image_store *store, struct image_list *images, struct sandbox_error *error)
{
	auto_free struct store_name *changes = NULL;
	size_t count = 0;

	for (size_t i = 0; i < images->count; i++) {
		struct sandbox_strings *names = &images->items[i].record.config.names;

		for (size_t j = 0; j < names->count; j++)
			take_name(store, &images->items[i], names->items[j], &changes, &count);
	}
	return count ? store_names_change(store, changes, count, error) : 0;
}

/* ---- the archive ---- */

static int load_all(struct image_store *store, const char *path, struct image_request *request, struct image_list *out,
	struct sandbox_error *error)
{
	size_t wanted = 1;
	int result = 0;

	while (result == 0 && out->count < wanted) {
		struct image image = {0};

		request->choice.number = (uint32_t)out->count + 1;
		result = image_resolve(store, path, request, &image, error);
		if (result < 0)
			break;
		/* A root file system is one image, of none that could be counted. */
		if (image.of_several > wanted)
			wanted = image.of_several;
		out->items = memory_resize(out->items, out->count + 1, sizeof(*out->items));
		out->items[out->count++] = image;
	}
	if (result == 0)
		result = name_all(store, out, error);
	/* Names are on the disk, too, before success is told. */
	return result < 0 ? result : image_make_durable(store, &out->items[0], error);
}

int image_load(struct image_store *store, const char *path, const struct image_request *request, struct image_list *out,
	struct sandbox_error *error)
{
	auto_finish(image_list_finish) struct image_list images = {.items = NULL};
	auto_finish(staging_finish) struct staging staging = STAGING_INIT;
	struct image_request wanted = *request;
	auto_free char *again = NULL;
	auto_close int input = -1;
	int result = 0;

	wanted.archive_only = wanted.durable = true;
	if (strcmp(path, "-") == 0) {
		result = staging_create(store, &staging, error);
		input = result == 0 ? set_aside(&staging, STDIN_FILENO, request->limits.stream_bytes, error) : result;
		result = input < 0 ? input : 0;
		again = memory_format("/proc/self/fd/%d", input);
		wanted.source = "-";
	}
	if (result == 0)
		result = load_all(store, again ? again : path, &wanted, &images, error);
	if (staging.wrapper >= 0)
		(void)staging_remove(store, &staging, request->map, NULL);
	if (result < 0)
		return result;
	*out = images;
	images = (struct image_list){.items = NULL};
	return 0;
}
