/*
 * The first half of the importer, in a thread of its own: reads the file, recognises its compression by
 * content, and hands the uncompressed stream to the ring. It holds the limits on size and ratio, and refuses a
 * compressed stream that is cut short, damaged, or followed by anything. The digest of the stream is made by a second
 * thread, which reads the ring as well: it costs a third of what decompressing does. That of a compressed file is made here.
 */
#ifndef IMPORTER_DECODER_H
#define IMPORTER_DECODER_H

#include <pthread.h>
#include <stdbool.h>

#include "image/protocol.h"
#include "importer/ring.h"
#include "importer/source.h"

struct decoder {
	struct source source;
	struct ring *ring;
	const struct sandbox_import_limits *limits;
	pthread_t thread, digester;
	struct digest_stream digest; /* of the uncompressed stream */
	bool plain;                  /* not compressed: the file is the stream */

	/* Valid after decoder_join. */
	struct digest archive;
	struct digest diff;
	const char *compression;
	uint64_t stream_bytes;
	uint64_t data_end; /* offset after the last byte of the stream that is not zero */
	struct sandbox_error error;
};

/*
 * Starts both threads. decoder->source is the caller's to prepare. It, `limits` and `ring` must live until
 * decoder_join.
 */
int decoder_start(struct decoder *decoder, const struct sandbox_import_limits *limits,
	struct ring *ring, struct sandbox_error *error);

/*
 * Waits for the threads, which end when the file does, after an error, or when the ring was abandoned.
 * 0 or -errno with decoder->error filled; -ECANCELED when the ring was abandoned before the end.
 */
int decoder_join(struct decoder *decoder);

/* How many processors this process may use. */
unsigned int decoder_processors(void);

/* For the decompressors: room for RING_BLOCK_SIZE bytes of the stream, or NULL when nobody reads on. */
uint8_t *decoder_reserve(struct decoder *decoder);
/* `size` bytes of that room are filled. 0 or -errno with E_ARCHIVE_LIMIT in decoder->error. */
int decoder_push(struct decoder *decoder, const uint8_t *block, size_t size);

/* Fill decoder->error, E_ARCHIVE_TRUNCATED and E_ARCHIVE_FORMAT. -EINVAL. */
int decoder_truncated(struct decoder *decoder);
int decoder_damaged(struct decoder *decoder);

/* Each reads decoder->source to its end. 0 or -errno with decoder->error filled. */
int decode_plain(struct decoder *decoder);
int decode_gzip(struct decoder *decoder);
int decode_bzip2(struct decoder *decoder);
int decode_xz(struct decoder *decoder);
int decode_zstd(struct decoder *decoder);
int decode_lz4(struct decoder *decoder);

/*
 * What follows a compressed stream may only be zero bytes (tapes and block devices pad). `data` is what was
 * read already; the rest of the source is read as well, for its digest. 0 or -errno.
 */
int decoder_expect_padding(struct decoder *decoder, const uint8_t *data, size_t size);

#endif
