/* The archive file, or a part of it: read once from the front to the end, hashed and counted on the way. */
#ifndef IMPORTER_SOURCE_H
#define IMPORTER_SOURCE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "base/digest.h"
#include "base/error.h"

enum { SOURCE_BUFFER_SIZE = 256 << 10 };

struct source {
	int fd;
	bool part;          /* from `offset` on `left` bytes are to be read: else from where it stands to its end */
	uint64_t offset, left;
	bool digested;      /* whether `digest` gets what is read */
	struct digest_stream digest;
	uint64_t bytes;     /* read so far */
	size_t pending;     /* bytes of `buffer` that source_peek read and nobody consumed */
	uint8_t buffer[SOURCE_BUFFER_SIZE];
};

void source_init(struct source *source, int fd);
/* Only these bytes; a file that ends earlier ends so. Does not move the descriptor's own offset. */
void source_limit(struct source *source, uint64_t offset, uint64_t size);

/* The first bytes without consuming them, at most `size`; fewer only when the file is shorter. Or -errno. */
ssize_t source_peek(struct source *source, size_t size, const uint8_t **out_data, struct sandbox_error *error);

/* The next bytes, good until the next call. Their number, 0 at the end, or -errno. */
ssize_t source_next(struct source *source, const uint8_t **out_data, struct sandbox_error *error);

/* As source_next, into the caller's buffer: for data that is not copied again. */
ssize_t source_read(struct source *source, uint8_t *buffer, size_t size, struct sandbox_error *error);

#endif
