/*
 * xz by liblzma itself, for its threads: a file that was compressed by several (xz -T0, pixz) consists of blocks, which can
 * be decompressed side by side. Each takes memory for a whole block, so there are no more threads than the bound on that
 * allows; a file of one block is decompressed by one.
 */
#include <errno.h>
#include <lzma.h>

#include "base/scope.h"
#include "importer/decoder.h"

/* Bytes for threads. What a single one needs beyond that is up to the dictionary, and the user's limit. */
static const uint64_t THREADS_MEMORY = 48 << 20;

static const lzma_stream stream_init = LZMA_STREAM_INIT;

/* 1 when there is input, 0 at the end of the file. */
static int xz_refill(struct decoder *decoder, lzma_stream *stream)
{
	ssize_t got;

	if (stream->avail_in)
		return 1;
	got = source_next(&decoder->source, &stream->next_in, &decoder->error);
	stream->avail_in = got > 0 ? (size_t)got : 0;
	return got < 0 ? (int)got : got > 0;
}

static int xz_failed(struct decoder *decoder, lzma_ret code)
{
	if (code == LZMA_BUF_ERROR)
		return decoder_truncated(decoder);
	if (code != LZMA_MEM_ERROR && code != LZMA_MEMLIMIT_ERROR)
		return decoder_damaged(decoder);
	(void)error_set(&decoder->error, ENOMEM, "decompress the xz stream");
	return error_cause(&decoder->error, SANDBOX_E_ARCHIVE_LIMIT, "its dictionary is larger than the limit on memory");
}

/* One block of the ring, unless the stream ends before. LZMA_OK, LZMA_STREAM_END or an error in *out. 0 or -errno. */
static int xz_fill(struct decoder *decoder, lzma_stream *stream, lzma_ret *out)
{
	*out = LZMA_OK;
	while (stream->avail_out && *out == LZMA_OK) {
		int more = xz_refill(decoder, stream);

		if (more < 0)
			return more;
		/* At the end of the file it is told so, and may still have something to write. */
		*out = lzma_code(stream, more ? LZMA_RUN : LZMA_FINISH);
	}
	return 0;
}

static int xz_stream(struct decoder *decoder, lzma_stream *stream)
{
	lzma_ret code = LZMA_OK;

	while (code == LZMA_OK) {
		uint8_t *block = decoder_reserve(decoder);
		int result;

		if (!block)
			return -ECANCELED;
		stream->next_out = block;
		stream->avail_out = RING_BLOCK_SIZE;
		result = xz_fill(decoder, stream, &code);
		if (result == 0 && stream->avail_out < RING_BLOCK_SIZE)
			result = decoder_push(decoder, block, RING_BLOCK_SIZE - stream->avail_out);
		if (result < 0)
			return result;
	}
	return code == LZMA_STREAM_END ? 0 : xz_failed(decoder, code);
}

/* Past the zeros between two streams: 1 when there is something else, 0 at the end of the file, or -errno. */
static int xz_skip_padding(struct decoder *decoder, lzma_stream *stream)
{
	for (;;) {
		int more = xz_refill(decoder, stream);

		if (more <= 0)
			return more;
		while (stream->avail_in && !*stream->next_in)
			stream->next_in++, stream->avail_in--;
		if (stream->avail_in)
			return 1;
	}
}

int decode_xz(struct decoder *decoder)
{
	auto_finish(lzma_end) lzma_stream stream = stream_init;
	lzma_mt options = {
		.flags = LZMA_TELL_UNSUPPORTED_CHECK, .threads = decoder_processors(),
		.memlimit_threading = THREADS_MEMORY, .memlimit_stop = decoder->limits->memory,
	};
	int more;

	do {
		lzma_ret code = lzma_stream_decoder_mt(&stream, &options);
		int result = code == LZMA_OK ? xz_stream(decoder, &stream) : xz_failed(decoder, code);

		if (result < 0)
			return result;
		more = xz_skip_padding(decoder, &stream);
	} while (more > 0 && *stream.next_in == 0xfd);
	return more <= 0 ? more : decoder_expect_padding(decoder, stream.next_in, stream.avail_in);
}
