/* SHA-256 (FIPS 180-4) by nettle, which uses the processor's SHA instructions where it has them. */
#ifndef BASE_DIGEST_H
#define BASE_DIGEST_H

#include <nettle/sha2.h>
#include <stdbool.h>
#include <stddef.h>

enum { DIGEST_HEX_SIZE = 2 * SHA256_DIGEST_SIZE + 1 };

/* Lower-case hexadecimal, without a "sha256:" prefix. */
struct digest {
	char hex[DIGEST_HEX_SIZE];
};

struct digest_stream {
	struct sha256_ctx context;
};

void digest_start(struct digest_stream *stream);
void digest_add(struct digest_stream *stream, const void *data, size_t size);
void digest_end(struct digest_stream *stream, struct digest *out);
void digest_of(const void *data, size_t size, struct digest *out);

/* Exactly 64 lower-case hexadecimal digits. */
bool digest_is_valid(const char *hex);

#endif
