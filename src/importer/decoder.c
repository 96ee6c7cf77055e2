#include "importer/decoder.h"

#include <errno.h>
#include <sched.h>
#include <string.h>

#include "base/scope.h"

/* Recognised by content, never by name. What matches nothing here is taken as an uncompressed tar. */
static const struct compression {
	const char *name;
	const char *magic;
	size_t magic_size;
	int (*decode)(struct decoder *decoder);
} compressions[] = {
	{"gzip", "\x1f\x8b", 2, decode_gzip},
	{"bzip2", "BZh", 3, decode_bzip2},
	{"xz", "\xfd" "7zXZ", 6, decode_xz},
	{"zstd", "\x28\xb5\x2f\xfd", 4, decode_zstd},
	{"lz4", "\x04\x22\x4d\x18", 4, decode_lz4},
	{"none", "", 0, decode_plain},
};

enum { MAGIC_SIZE_MAX = 6 };

unsigned int decoder_processors(void)
{
	cpu_set_t allowed;

	return sched_getaffinity(0, sizeof(allowed), &allowed) == 0 ? (unsigned int)CPU_COUNT(&allowed) : 1;
}

uint8_t *decoder_reserve(struct decoder *decoder)
{
	return ring_reserve(decoder->ring);
}

static bool exceeds_ratio(const struct decoder *decoder)
{
	uint64_t stream = decoder->stream_bytes, ratio = decoder->limits->ratio;

	return stream > IMPORT_RATIO_FREE && stream / ratio > decoder->source.bytes;
}

/* The offset after the last byte that is not zero, or 0. */
static size_t data_end(const uint8_t *block, size_t size)
{
	while (size && !block[size - 1])
		size--;
	return size;
}

int decoder_push(struct decoder *decoder, const uint8_t *block, size_t size)
{
	const struct sandbox_import_limits *limits = decoder->limits;
	size_t end = data_end(block, size);

	if (size > limits->stream_bytes - decoder->stream_bytes) {
		(void)error_set(&decoder->error, EFBIG, "decompress the archive");
		return error_cause(&decoder->error, SANDBOX_E_ARCHIVE_LIMIT,
			"its contents are larger than the limit of %llu bytes",
			(unsigned long long)limits->stream_bytes);
	}
	if (end)
		decoder->data_end = decoder->stream_bytes + end;
	decoder->stream_bytes += size;
	if (exceeds_ratio(decoder)) {
		(void)error_set(&decoder->error, EFBIG, "decompress the archive");
		return error_cause(&decoder->error, SANDBOX_E_ARCHIVE_LIMIT,
			"it grows more than %llu times as large as its file",
			(unsigned long long)limits->ratio);
	}
	ring_push(decoder->ring, size);
	return 0;
}

int decoder_truncated(struct decoder *decoder)
{
	(void)error_set(&decoder->error, 0, "the %s stream ends too early", decoder->compression);
	return error_cause(&decoder->error, SANDBOX_E_ARCHIVE_TRUNCATED,
		"the file was cut short, perhaps by an interrupted download or copy");
}

int decoder_damaged(struct decoder *decoder)
{
	(void)error_set(&decoder->error, 0, "the %s stream is damaged", decoder->compression);
	return error_cause(&decoder->error, SANDBOX_E_ARCHIVE_FORMAT, "its compressed data or its checksum is wrong");
}

int decoder_expect_padding(struct decoder *decoder, const uint8_t *data, size_t size)
{
	ssize_t got = (ssize_t)size;

	while (got > 0) {
		if (data_end(data, (size_t)got)) {
			(void)error_set(&decoder->error, 0, "the compressed archive is followed by other data");
			return error_cause(&decoder->error, SANDBOX_E_ARCHIVE_FORMAT,
				"something was appended to it, or it is damaged");
		}
		got = source_next(&decoder->source, &data, &decoder->error);
	}
	return (int)got;
}

int decode_plain(struct decoder *decoder)
{
	for (;;) {
		uint8_t *block = decoder_reserve(decoder);
		ssize_t got;
		int result;

		if (!block)
			return -ECANCELED;
		got = source_read(&decoder->source, block, RING_BLOCK_SIZE, &decoder->error);
		if (got <= 0)
			return (int)got;
		result = decoder_push(decoder, block, (size_t)got);
		if (result < 0)
			return result;
	}
}

static const struct compression *recognise(const uint8_t *start, size_t size)
{
	const struct compression *found = compressions;

	while (found->magic_size > size || memcmp(start, found->magic, found->magic_size) != 0)
		found++;
	return found;
}

static int decoder_run(struct decoder *decoder)
{
	const uint8_t *start;
	ssize_t size = source_peek(&decoder->source, MAGIC_SIZE_MAX, &start, &decoder->error);
	const struct compression *compression;

	if (size < 0)
		return (int)size;
	if (size == 0) {
		(void)error_set(&decoder->error, 0, "the archive is empty");
		return error_cause(&decoder->error, SANDBOX_E_ARCHIVE_FORMAT, "the file holds no bytes at all");
	}
	compression = recognise(start, (size_t)size);
	decoder->compression = compression->name;
	decoder->plain = compression->decode == decode_plain;
	/* The digest of the stream is that of the file, then. */
	decoder->source.digested = !decoder->plain;
	return compression->decode(decoder);
}

static void *decoder_thread(void *argument)
{
	struct decoder *decoder = argument;
	int result = decoder_run(decoder);

	ring_end(decoder->ring);
	return (void *)(intptr_t)result;
}

static void *digester_thread(void *argument)
{
	struct decoder *decoder = argument;
	const void *data;
	size_t size;

	while ((size = ring_next(decoder->ring, RING_DIGEST, &data)))
		digest_add(&decoder->digest, data, size);
	return NULL;
}

int decoder_start(struct decoder *decoder, const struct sandbox_import_limits *limits,
	struct ring *ring, struct sandbox_error *error)
{
	int code;

	decoder->ring = ring;
	decoder->limits = limits;
	decoder->compression = "none";
	decoder->stream_bytes = decoder->data_end = 0;
	error_clear(&decoder->error);
	digest_start(&decoder->digest);
	code = pthread_create(&decoder->digester, NULL, digester_thread, decoder);
	if (code)
		return error_set(error, code, "start a thread");
	code = pthread_create(&decoder->thread, NULL, decoder_thread, decoder);
	if (code == 0)
		return 0;
	ring_end(ring);
	(void)pthread_join(decoder->digester, NULL);
	return error_set(error, code, "start a thread");
}

int decoder_join(struct decoder *decoder)
{
	void *result = NULL;

	(void)pthread_join(decoder->thread, &result);
	(void)pthread_join(decoder->digester, NULL);
	digest_end(&decoder->digest, &decoder->diff);
	if (decoder->plain)
		decoder->archive = decoder->diff;
	else
		digest_end(&decoder->source.digest, &decoder->archive);
	return (int)(intptr_t)result;
}
