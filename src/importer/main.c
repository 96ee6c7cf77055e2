/*
 * sandbox-import: unpacks one archive into one directory, or describes the image that it holds. protocol.h says how
 * it is started and what it answers. Several threads: decoder.c turns the file into a tar stream, and another thread makes
 * its digest meanwhile; extract.c turns it into a tree, with writers.c, which fills the files; or scan.c into a table of
 * contents, from which describe.c reads what the image consists of.
 */
#include <errno.h>
#include <fcntl.h>
#include <iconv.h>
#include <limits.h>
#include <locale.h>
#include <pthread.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "base/scope.h"
#include "base/test_switch.h"
#include "base/text.h"
#include "image/protocol.h"
#include "importer/blob.h"
#include "importer/confine.h"
#include "importer/decoder.h"
#include "importer/describe.h"
#include "importer/extract.h"
#include "importer/ring.h"
#include "importer/scan.h"

enum { PROGRESS_INTERVAL_MS = 100, THREAD_STACK_SIZE = 1 << 20 };

struct import {
	int archive, root, report, lock, spool;
	struct import_request request;
	struct extract_result extracted;
	struct ring ring;
	struct decoder decoder;
	struct scan scan;
	struct image_description image;
	struct import_result result;
	uint64_t reported_at; /* milliseconds */
};

static bool parse_descriptor(const char *text, int *out)
{
	uint64_t number;

	if (!text_parse_unsigned(text, INT_MAX, &number) || fcntl((int)number, F_GETFD) < 0)
		return false;
	*out = (int)number;
	return true;
}

static void report_progress(void *context, const struct import_counts *counts)
{
	struct import *import = context;
	struct import_message message = {.kind = IMPORT_PROGRESS, .progress = *counts};
	struct timespec now;
	uint64_t milliseconds;

	(void)clock_gettime(CLOCK_MONOTONIC_COARSE, &now);
	milliseconds = (uint64_t)now.tv_sec * 1000 + (uint64_t)now.tv_nsec / 1000000;
	if (milliseconds - import->reported_at < PROGRESS_INTERVAL_MS)
		return;
	import->reported_at = milliseconds;
	message.progress.archive_bytes = __atomic_load_n(&import->decoder.source.bytes, __ATOMIC_RELAXED);
	/* Who does not listen any more will also not wait for the result: the last message tells. */
	(void)import_message_send(import->report, &message);
}

static struct extract_progress wanted_progress(struct import *import)
{
	return (struct extract_progress){import->request.progress ? report_progress : NULL, import};
}

/*
 * tar(5): an archive ends with two blocks of zeros. Without them it may have lost entries just where one
 * ended, which tar(1) calls a success. Behind them there may be padding and nothing else.
 */
static int check_end(const struct import *import, uint64_t end, struct sandbox_error *error)
{
	if (test_defence_removed("archive-end"))
		return 0;
	if (import->decoder.stream_bytes < 1024 || import->decoder.stream_bytes - 1024 < end) {
		(void)error_set(error, 0, "the archive has no end-of-archive marker");
		return error_cause(error, SANDBOX_E_ARCHIVE_TRUNCATED,
			"the file was cut short, perhaps by an interrupted download or copy");
	}
	if (import->decoder.data_end > end) {
		(void)error_set(error, 0, "the archive is followed by other data");
		return error_cause(error, SANDBOX_E_ARCHIVE_FORMAT,
			"something was appended to it (concatenated archives are not read), or it is damaged");
	}
	return 0;
}

/* Starts to read ARCHIVE, or that part of it which the request names. */
static int import_start(struct import *import, struct sandbox_error *error)
{
	source_init(&import->decoder.source, import->archive);
	if (import->request.size)
		source_limit(&import->decoder.source, import->request.offset, import->request.size);
	return decoder_start(&import->decoder, &import->request.limits, &import->ring, error);
}

/*
 * The end of both halves; `result` is that of the one that reads the ring. The decoder's error comes first: it is
 * why the other found an early end.
 */
static int import_end(struct import *import, int result, struct sandbox_error *error)
{
	int decoded;

	ring_abandon(&import->ring);
	decoded = decoder_join(&import->decoder);
	if (decoded < 0 && decoded != -ECANCELED) {
		*error = import->decoder.error;
		return decoded;
	}
	return result;
}

/* What the decoder has to say of the whole file, once it has seen all of it. */
static void note_stream(struct import *import)
{
	struct import_result *result = &import->result;

	result->archive = import->decoder.archive;
	result->diff = import->decoder.diff;
	result->counts.archive_bytes = import->decoder.source.bytes;
	result->counts.stream_bytes = import->decoder.stream_bytes;
	(void)snprintf(result->compression, sizeof(result->compression), "%s", import->decoder.compression);
}

/* From a started decoder to a tree. */
static int import_extract(struct import *import, struct sandbox_error *error)
{
	struct extract_progress progress = wanted_progress(import);
	int notes = import->request.mode == IMPORT_LAYER ? import->spool : -1;
	int result = extract_archive(&import->ring, import->root, notes, &import->request, &progress, &import->extracted,
		error);

	result = import_end(import, result, error);
	if (result == 0)
		result = check_end(import, import->extracted.end, error);
	/* A layer may be empty: Dockerfiles make many such. */
	if (result == 0 && import->extracted.counts.entries == 0 && import->request.mode != IMPORT_LAYER) {
		(void)error_set(error, 0, "the archive is empty");
		result = error_cause(error, SANDBOX_E_ARCHIVE_FORMAT, "it holds no files");
	}
	import->result.counts = import->extracted.counts;
	import->result.opaque = import->extracted.opaque;
	import->result.implied = import->extracted.implied;
	note_stream(import);
	return result;
}

/* Whether what was read of ARCHIVE once can be read there again. */
static bool can_read_again(const struct import *import)
{
	struct stat status;

	return import->decoder.plain && fstat(import->archive, &status) == 0 && S_ISREG(status.st_mode);
}

static int import_describe(struct import *import, uint64_t base, struct sandbox_error *error)
{
	struct blobs blobs = {&import->scan.members, import->result.spooled ? import->spool : import->archive, base, -1};
	auto_finish(blob_finish) struct blob blob = BLOB_INIT;

	import->result.layered = true;
	/* The manifest.json of docker save knows more: names, and which image was meant. */
	if (blob_open_path(&blobs, "manifest.json", &blob, NULL) == 0)
		return describe_docker(&blobs, &blob, &import->request.choice, &import->image, error);
	if (blob_open_path(&blobs, "index.json", &blob, error) < 0)
		return -ENOENT;
	return describe_oci(&blobs, &blob, &import->request.choice, &import->image, error);
}

/* A root file system whose first names are those of an image archive: once more from the beginning. */
static int import_again(struct import *import, uint64_t base, struct sandbox_error *error)
{
	struct import_result first = import->result;
	int result;

	if (first.spooled)
		import->archive = import->spool;
	if (lseek(import->archive, first.spooled ? 0 : (off_t)base, SEEK_SET) < 0)
		return error_set(error, errno, "read the archive again");
	ring_finish(&import->ring);
	result = ring_init(&import->ring, error);
	if (result == 0)
		result = import_start(import, error);
	if (result == 0)
		result = import_extract(import, error);
	if (first.spooled) {
		first.counts.stream_bytes = import->result.counts.stream_bytes;
		import->result.archive = first.archive;
		import->result.counts.archive_bytes = first.counts.archive_bytes;
		memcpy(import->result.compression, first.compression, sizeof(first.compression));
	}
	return result;
}

/* From a started decoder, whose stream looks like an image's, to a description or a tree. */
static int import_scan(struct import *import, off_t base, struct sandbox_error *error)
{
	struct extract_progress progress = wanted_progress(import);
	int result;

	import->result.spooled = base < 0 || !can_read_again(import);
	if (import->result.spooled)
		base = 0;
	result = scan_archive(&import->ring, import->result.spooled ? import->spool : -1, &progress, &import->scan, error);
	result = import_end(import, result, error);
	if (result < 0)
		return result;
	note_stream(import);
	if (!import->scan.image)
		return import_again(import, (uint64_t)base, error);
	result = check_end(import, import->scan.end, error);
	import->result.counts.entries = import->scan.members.count;
	return result < 0 ? result : import_describe(import, (uint64_t)base, error);
}

static int import_archive(struct import *import, struct sandbox_error *error)
{
	off_t base = lseek(import->archive, 0, SEEK_CUR);
	const void *data = NULL;
	size_t size;
	int result = import_start(import, error);

	if (result < 0)
		return result;
	/* What would be read first anyway: a root file system pays nothing for the question. */
	size = ring_peek(&import->ring, RING_EXTRACT, &data);
	return scan_is_needed(data, size) ? import_scan(import, base, error) : import_extract(import, error);
}

static int import_layer(struct import *import, struct sandbox_error *error)
{
	int result = import_start(import, error);

	return result < 0 ? result : import_extract(import, error);
}

static int import_layout(struct import *import, struct sandbox_error *error)
{
	struct blobs blobs = {NULL, -1, 0, import->report};
	struct blob index = {.fd = import->archive};
	const void *ignored;
	struct stat status;
	int result = fstat(import->archive, &status) < 0 ? error_set(error, errno, "look at index.json") : 0;

	if (result == 0)
		result = import_start(import, error);
	if (result < 0)
		return result;
	index.size = (uint64_t)status.st_size;
	/* For its digest, which is that of the image. */
	while (ring_next(&import->ring, RING_EXTRACT, &ignored))
		;
	result = import_end(import, 0, error);
	if (result < 0)
		return result;
	note_stream(import);
	import->result.layered = true;
	return describe_oci(&blobs, &index, &import->request.choice, &import->image, error);
}

static int import_run(struct import *import, struct sandbox_error *error)
{
	switch (import->request.mode) {
	case IMPORT_ARCHIVE:
		return import_archive(import, error);
	case IMPORT_LAYER:
		return import_layer(import, error);
	case IMPORT_LAYOUT:
		return import_layout(import, error);
	}
	return error_set(error, EINVAL, "understand the request");
}

/* A limit that was there before may be lower; it cannot be raised, and does not have to be. */
static int limit_memory(uint64_t bytes)
{
	struct rlimit memory;

#ifdef SANDBOX_SANITIZED
	/* What AddressSanitizer maps for itself would count, too. */
	bytes = RLIM_INFINITY;
#endif
	if (getrlimit(RLIMIT_DATA, &memory) < 0)
		return -1;
	if (memory.rlim_max > bytes)
		memory.rlim_max = bytes;
	memory.rlim_cur = memory.rlim_max;
	return setrlimit(RLIMIT_DATA, &memory);
}

/* Those of all threads, liblzma's among them: 8 MiB each would count for the limit on memory, and none needs many. */
static void limit_stacks(void)
{
	pthread_attr_t attributes;

	if (pthread_attr_init(&attributes))
		return;
	if (pthread_attr_setstacksize(&attributes, THREAD_STACK_SIZE) == 0)
		(void)pthread_setattr_default_np(&attributes);
	(void)pthread_attr_destroy(&attributes);
}

/*
 * What libc or libarchive would load when it is first needed must not come from the new root directory, which is
 * the adversary's: locale and character set conversion (iconv(3) loads programs!) are looked up now. UTF-8 to
 * UTF-8 is all that the tar reader asks for in this locale.
 */
static void load_everything(void)
{
	iconv_t conversion;

	(void)setlocale(LC_CTYPE, "C.UTF-8");
	conversion = iconv_open("UTF-8", "UTF-8");
	if (conversion != (iconv_t)-1)
		(void)iconv_close(conversion);
	tzset();
}

static int import_prepare(struct import *import, char **arguments, struct sandbox_error *error)
{
	int *const descriptors[] = {&import->archive, &import->root, &import->report, &import->lock, &import->spool};
	int kept[array_count(descriptors)];
	int result;

	for (size_t i = 0; i < array_count(descriptors); i++) {
		if (!parse_descriptor(arguments[1 + i], descriptors[i]))
			return error_set(error, EBADF, "start the importer");
		kept[i] = *descriptors[i];
	}
	result = import_request_receive(import->report, &import->request);
	if (result < 0)
		return error_set(error, -result, "receive the import request");
	load_everything();
	limit_stacks();
	/* Modes are the archive's, whatever the user's umask is. */
	(void)umask(0);
	if (limit_memory(import->request.limits.memory) < 0)
		return error_set(error, errno, "limit the memory of the importer");
	result = ring_init(&import->ring, error);
	if (result < 0)
		return result;
	result = confine(import->root, kept, array_count(kept), error);
	test_point("importer-confined");
	return result;
}

/* Layers and texts, one message each. */
static int report_image(const struct import *import)
{
	static struct import_message message;
	int result = 0;

	for (size_t i = 0; i < import->image.layer_count && result == 0; i++) {
		message.kind = IMPORT_LAYER_FOUND;
		message.layer = import->image.layers[i];
		result = import_message_send(import->report, &message);
	}
	for (unsigned int kind = 0; kind < IMPORT_TEXT_KINDS; kind++)
		for (size_t i = 0; i < import->image.texts[kind].count && result == 0; i++) {
			message.kind = IMPORT_TEXT_FOUND;
			message.text.kind = (enum import_text_kind)kind;
			(void)snprintf(message.text.text, sizeof(message.text.text), "%s", import->image.texts[kind].items[i]);
			result = import_message_send(import->report, &message);
		}
	return result;
}

static int import_report(const struct import *import, int result, const struct sandbox_error *error)
{
	static struct import_message message;

	if (result == 0 && report_image(import) < 0)
		return -EPIPE;
	message.kind = result < 0 ? IMPORT_FAILED : IMPORT_DONE;
	if (result < 0)
		message.failure = *error;
	else
		message.result = import->result;
	if (result == 0)
		message.result.images = (uint32_t)import->image.fitting;
	return import_message_send(import->report, &message);
}

#ifdef SANDBOX_SANITIZED
/* Looking for leaks needs /proc when all is done, and that is out of reach then. The fuzzers look for them. */
const char *__asan_default_options(void);

const char *__asan_default_options(void)
{
	return "detect_leaks=0";
}
#endif

int main(int count, char **arguments)
{
	static struct import import = {.archive = -1, .root = -1, .report = -1, .lock = -1, .spool = -1};
	struct sandbox_error error = {0};
	int result;

	if (count != 6) {
		(void)fprintf(stderr, "sandbox-import: started by sandbox(1), not by hand\n");
		return 2;
	}
	test_point("importer-started");
	result = import_prepare(&import, arguments, &error);
	if (result == 0)
		result = import_run(&import, &error);
	test_point("importer-unpacked");
	if (import.report < 0 || import_report(&import, result, &error) < 0)
		return 1;
	return 0;
}
