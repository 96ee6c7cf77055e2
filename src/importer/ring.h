/*
 * A bounded queue of blocks between the thread that decodes, and two that read the same stream: one takes it apart, the
 * other makes its digest. The writer runs ahead by at most RING_BLOCKS blocks. A block is used again when both readers
 * are done with it, and whoever else holds it: data goes from here to its file without being copied in between.
 */
#ifndef IMPORTER_RING_H
#define IMPORTER_RING_H

#include <pthread.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/error.h"

enum {
	RING_BLOCKS = 16,
	RING_BLOCK_SIZE = 256 << 10,
};

enum ring_reader {
	RING_EXTRACT,
	RING_DIGEST,
	RING_READERS,
};

struct ring_block {
	uint8_t *data;
	size_t size;
	unsigned int holders; /* until there is none, the block is not filled again */
};

struct ring {
	pthread_mutex_t lock;
	pthread_cond_t filled_more, freed_more;
	struct ring_block blocks[RING_BLOCKS];
	unsigned int filled; /* blocks pushed since the start */
	struct {
		unsigned int next;  /* the block that comes next */
		bool holding;       /* the one before it is in this reader's hands */
	} readers[RING_READERS];
	bool ended;          /* nothing more will be pushed */
	bool abandoned;      /* RING_EXTRACT reads no more */
};

/* 0 or -ENOMEM. */
int ring_init(struct ring *ring, struct sandbox_error *error);
void ring_finish(struct ring *ring);

/* The writer: a free block of RING_BLOCK_SIZE bytes, or NULL when the ring was abandoned. */
uint8_t *ring_reserve(struct ring *ring);
/* The block that was reserved last is full to `size` bytes, which must not be 0. */
void ring_push(struct ring *ring, size_t size);
void ring_end(struct ring *ring);

/* A reader: as ring_next, but the block stays the next one. */
size_t ring_peek(struct ring *ring, enum ring_reader reader, const void **out_data);
/* A reader: the next block's size, or 0 at the end. *out_data is good until the reader's next call. */
size_t ring_next(struct ring *ring, enum ring_reader reader, const void **out_data);
/* RING_EXTRACT, at any time: the writer and the other reader come to their end. */
void ring_abandon(struct ring *ring);

/*
 * RING_EXTRACT: holds the block that it has in its hands when `size` bytes at `data` lie in it. A number for ring_release,
 * or -1 when they lie elsewhere.
 */
int ring_hold(struct ring *ring, const void *data, size_t size);
/* Any thread. */
void ring_release(struct ring *ring, int block);

#endif
