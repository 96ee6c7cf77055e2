#include "base/digest.h"

#include <stdint.h>
#include <string.h>

void digest_start(struct digest_stream *stream)
{
	sha256_init(&stream->context);
}

void digest_add(struct digest_stream *stream, const void *data, size_t size)
{
	sha256_update(&stream->context, size, data);
}

void digest_end(struct digest_stream *stream, struct digest *out)
{
	static const char digits[] = "0123456789abcdef";
	uint8_t bytes[SHA256_DIGEST_SIZE];

	sha256_digest(&stream->context, sizeof(bytes), bytes);
	for (size_t i = 0; i < sizeof(bytes); i++) {
		out->hex[2 * i] = digits[bytes[i] >> 4];
		out->hex[2 * i + 1] = digits[bytes[i] & 15];
	}
	out->hex[2 * sizeof(bytes)] = '\0';
}

void digest_of(const void *data, size_t size, struct digest *out)
{
	struct digest_stream stream;

	digest_start(&stream);
	digest_add(&stream, data, size);
	digest_end(&stream, out);
}

bool digest_is_valid(const char *hex)
{
	return strspn(hex, "0123456789abcdef") == DIGEST_HEX_SIZE - 1 && hex[DIGEST_HEX_SIZE - 1] == '\0';
}
