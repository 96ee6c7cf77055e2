#include "importer/source.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>

void source_init(struct source *source, int fd)
{
	source->fd = fd;
	source->bytes = 0;
	source->pending = 0;
	source->part = false;
	source->digested = true;
	digest_start(&source->digest);
}

void source_limit(struct source *source, uint64_t offset, uint64_t size)
{
	source->part = true;
	source->offset = offset;
	source->left = size;
}

/* The part may be read by others at the same time, who share the descriptor's offset. */
static ssize_t read_part(struct source *source, uint8_t *buffer, size_t size)
{
	ssize_t got = pread(source->fd, buffer, size < source->left ? size : source->left, (off_t)source->offset);

	if (got > 0) {
		source->offset += (uint64_t)got;
		source->left -= (uint64_t)got;
	}
	return got;
}

/* One read(2), not a full one: a slow pipe should not hold back what has arrived. */
static ssize_t source_fill(struct source *source, uint8_t *buffer, size_t size, struct sandbox_error *error)
{
	ssize_t got;

	do
		got = source->part ? read_part(source, buffer, size) : read(source->fd, buffer, size);
	while (got < 0 && errno == EINTR);
	if (got < 0)
		return error_set(error, errno, "read the archive");
	/* The other thread looks at it, for progress. */
	(void)__atomic_add_fetch(&source->bytes, (uint64_t)got, __ATOMIC_RELAXED);
	if (source->digested)
		digest_add(&source->digest, buffer, (size_t)got);
	return got;
}

ssize_t source_peek(struct source *source, size_t size, const uint8_t **out_data, struct sandbox_error *error)
{
	while (source->pending < size) {
		ssize_t got = source_fill(source, source->buffer + source->pending,
			SOURCE_BUFFER_SIZE - source->pending, error);

		if (got < 0)
			return got;
		if (got == 0)
			break;
		source->pending += (size_t)got;
	}
	*out_data = source->buffer;
	return (ssize_t)(source->pending < size ? source->pending : size);
}

ssize_t source_next(struct source *source, const uint8_t **out_data, struct sandbox_error *error)
{
	*out_data = source->buffer;
	if (source->pending) {
		size_t size = source->pending;

		source->pending = 0;
		return (ssize_t)size;
	}
	return source_fill(source, source->buffer, SOURCE_BUFFER_SIZE, error);
}

ssize_t source_read(struct source *source, uint8_t *buffer, size_t size, struct sandbox_error *error)
{
	if (source->pending && source->pending <= size) {
		memcpy(buffer, source->buffer, source->pending);
		size = source->pending;
		source->pending = 0;
		return (ssize_t)size;
	}
	return source_fill(source, buffer, size, error);
}
