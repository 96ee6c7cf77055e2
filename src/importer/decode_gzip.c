/*
 * gzip (RFC 1952) by ISA-L, which inflates two to three times as fast as zlib. libarchive would not do:
 * it checks neither the CRC nor the length, and takes anything after the last member for its end.
 */
#include <errno.h>
#include <isa-l/igzip_lib.h>
#include <stdlib.h>

#include "base/scope.h"
#include "importer/decoder.h"

/* 1 when there is input, 0 at the end of the file. */
static int gzip_refill(struct decoder *decoder, struct inflate_state *state)
{
	const uint8_t *data;
	ssize_t got;

	if (state->avail_in)
		return 1;
	got = source_next(&decoder->source, &data, &decoder->error);
	if (got <= 0)
		return (int)got;
	/* ISA-L only reads it, though its field is not const. */
	state->next_in = (uint8_t *)(uintptr_t)data;
	state->avail_in = (uint32_t)got;
	return 1;
}

/* One member, header to checksum. 0 or -errno. */
static int gzip_member(struct decoder *decoder, struct inflate_state *state)
{
	while (state->block_state != ISAL_BLOCK_FINISH) {
		uint8_t *block = decoder_reserve(decoder);
		int result;

		if (!block)
			return -ECANCELED;
		state->next_out = block;
		state->avail_out = RING_BLOCK_SIZE;
		/* Full blocks only: the other thread is woken less often. */
		while (state->avail_out && state->block_state != ISAL_BLOCK_FINISH) {
			int more = gzip_refill(decoder, state);

			if (more < 0)
				return more;
			if (isal_inflate(state) < 0)
				return decoder_damaged(decoder);
			/* Without input, a full output block is the only progress that there may be. */
			if (!more && state->avail_out && state->block_state != ISAL_BLOCK_FINISH)
				return decoder_truncated(decoder);
		}
		if (state->avail_out == RING_BLOCK_SIZE)
			continue;
		result = decoder_push(decoder, block, RING_BLOCK_SIZE - state->avail_out);
		if (result < 0)
			return result;
	}
	return 0;
}

int decode_gzip(struct decoder *decoder)
{
	auto_free struct inflate_state *state = malloc(sizeof(*state));
	int more;

	if (!state)
		return error_set(&decoder->error, ENOMEM, "decompress the archive");
	isal_inflate_init(state);
	do {
		int result;

		isal_inflate_reset(state);
		state->crc_flag = ISAL_GZIP;
		result = gzip_member(decoder, state);
		if (result < 0)
			return result;
		more = gzip_refill(decoder, state);
	} while (more > 0 && state->next_in[0] == 0x1f);
	return more <= 0 ? more : decoder_expect_padding(decoder, state->next_in, state->avail_in);
}
