/*
 * sandbox-import: unpacks one archive into one directory. protocol.h says how it is started and what
 * it answers. Two threads: decoder.c turns the file into a tar stream, extract.c turns that into a tree.
 */
#include <errno.h>
#include <fcntl.h>
#include <iconv.h>
#include <limits.h>
#include <locale.h>
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
#include "importer/confine.h"
#include "importer/decoder.h"
#include "importer/extract.h"
#include "importer/ring.h"

enum { PROGRESS_INTERVAL_MS = 100 };

struct import {
	int archive, root, report, lock;
	struct import_request request;
	struct import_counts counts;
	struct ring ring;
	struct decoder decoder;
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
	if (import->counts.entries == 0) {
		(void)error_set(error, 0, "the archive is empty");
		return error_cause(error, SANDBOX_E_ARCHIVE_FORMAT, "it holds no files");
	}
	return 0;
}

/* Both halves. The decoder's error comes first: it is why the extraction found an early end. */
static int import_run(struct import *import, struct sandbox_error *error)
{
	struct extract_progress progress = {import->request.progress ? report_progress : NULL, import};
	uint64_t end = 0;
	int result, decoded;

	result = decoder_start(&import->decoder, import->archive, &import->request.limits, &import->ring, error);
	if (result < 0)
		return result;
	result = extract_archive(&import->ring, import->root, &import->request, &progress, &import->counts, &end,
		error);
	ring_abandon(&import->ring);
	decoded = decoder_join(&import->decoder);
	if (decoded < 0 && decoded != -ECANCELED) {
		*error = import->decoder.error;
		return decoded;
	}
	return result < 0 ? result : check_end(import, end, error);
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
	int result;

	if (!parse_descriptor(arguments[1], &import->archive) || !parse_descriptor(arguments[2], &import->root) ||
	    !parse_descriptor(arguments[3], &import->report) || !parse_descriptor(arguments[4], &import->lock))
		return error_set(error, EBADF, "start the importer");
	result = import_request_receive(import->report, &import->request);
	if (result < 0)
		return error_set(error, -result, "receive the import request");
	load_everything();
	/* Modes are the archive's, whatever the user's umask is. */
	(void)umask(0);
	if (limit_memory(import->request.limits.memory) < 0)
		return error_set(error, errno, "limit the memory of the importer");
	result = ring_init(&import->ring, error);
	if (result < 0)
		return result;
	result = confine(import->root, (const int []){import->archive, import->root, import->report, import->lock}, 4, error);
	test_point("importer-confined");
	return result;
}

static int import_report(const struct import *import, int result, const struct sandbox_error *error)
{
	struct import_message message = {.kind = result < 0 ? IMPORT_FAILED : IMPORT_DONE};

	if (result < 0) {
		message.failure = *error;
	} else {
		message.result.archive = import->decoder.archive;
		message.result.diff = import->decoder.diff;
		message.result.counts = import->counts;
		message.result.counts.archive_bytes = import->decoder.source.bytes;
		message.result.counts.stream_bytes = import->decoder.stream_bytes;
		(void)snprintf(message.result.compression, sizeof(message.result.compression), "%s",
			import->decoder.compression);
	}
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
	static struct import import = {.archive = -1, .root = -1, .report = -1, .lock = -1};
	struct sandbox_error error = {0};
	int result;

	if (count != 5) {
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
