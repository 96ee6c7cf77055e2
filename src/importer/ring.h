/*
 * A bounded queue of blocks between the thread that decodes and the thread that extracts: the first runs
 * ahead by at most RING_BLOCKS blocks, and each waits for the other.
 */
#ifndef IMPORTER_RING_H
#define IMPORTER_RING_H

#include <pthread.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/error.h"

enum {
	RING_BLOCKS = 8,
	RING_BLOCK_SIZE = 256 << 10,
};

struct ring {
	pthread_mutex_t lock;
	pthread_cond_t changed;
	uint8_t *blocks[RING_BLOCKS];
	size_t sizes[RING_BLOCKS];
	unsigned int filled; /* blocks pushed since the start */
	unsigned int freed;  /* blocks given back since the start */
	bool holding;        /* the reader has the block number `freed` */
	bool ended;          /* nothing more will be pushed */
	bool abandoned;      /* nothing more will be read */
};

/* 0 or -ENOMEM. */
int ring_init(struct ring *ring, struct sandbox_error *error);
void ring_finish(struct ring *ring);

/* The writer: a free block of RING_BLOCK_SIZE bytes, or NULL when the reader has abandoned the ring. */
uint8_t *ring_reserve(struct ring *ring);
/* The block that was reserved last is full to `size` bytes, which must not be 0. */
void ring_push(struct ring *ring, size_t size);
void ring_end(struct ring *ring);

/* The reader: as ring_next, but the block stays the next one. */
size_t ring_peek(struct ring *ring, const void **out_data);
/* The reader: the next block's size, or 0 at the end. *out_data is good until the next call. */
size_t ring_next(struct ring *ring, const void **out_data);
void ring_abandon(struct ring *ring);

#endif
