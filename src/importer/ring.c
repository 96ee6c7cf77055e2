#include "importer/ring.h"

#include <errno.h>
#include <stdlib.h>

int ring_init(struct ring *ring, struct sandbox_error *error)
{
	*ring = (struct ring){0};
	(void)pthread_mutex_init(&ring->lock, NULL);
	(void)pthread_cond_init(&ring->filled_more, NULL);
	(void)pthread_cond_init(&ring->freed_more, NULL);
	for (size_t i = 0; i < RING_BLOCKS; i++) {
		ring->blocks[i].data = malloc(RING_BLOCK_SIZE);
		if (!ring->blocks[i].data)
			return error_set(error, ENOMEM, "allocate buffers");
	}
	return 0;
}

void ring_finish(struct ring *ring)
{
	for (size_t i = 0; i < RING_BLOCKS; i++)
		free(ring->blocks[i].data);
	(void)pthread_cond_destroy(&ring->filled_more);
	(void)pthread_cond_destroy(&ring->freed_more);
	(void)pthread_mutex_destroy(&ring->lock);
}

static struct ring_block *block_number(struct ring *ring, unsigned int number)
{
	return &ring->blocks[number % RING_BLOCKS];
}

uint8_t *ring_reserve(struct ring *ring)
{
	struct ring_block *block = block_number(ring, ring->filled);
	uint8_t *data;

	(void)pthread_mutex_lock(&ring->lock);
	while (block->holders && !ring->abandoned)
		(void)pthread_cond_wait(&ring->freed_more, &ring->lock);
	data = ring->abandoned ? NULL : block->data;
	(void)pthread_mutex_unlock(&ring->lock);
	return data;
}

void ring_push(struct ring *ring, size_t size)
{
	struct ring_block *block = block_number(ring, ring->filled);

	(void)pthread_mutex_lock(&ring->lock);
	block->size = size;
	block->holders = RING_READERS;
	ring->filled++;
	(void)pthread_cond_broadcast(&ring->filled_more);
	(void)pthread_mutex_unlock(&ring->lock);
}

void ring_end(struct ring *ring)
{
	(void)pthread_mutex_lock(&ring->lock);
	ring->ended = true;
	(void)pthread_cond_broadcast(&ring->filled_more);
	(void)pthread_mutex_unlock(&ring->lock);
}

static void drop(struct ring *ring, struct ring_block *block)
{
	if (--block->holders == 0)
		(void)pthread_cond_signal(&ring->freed_more);
}

static size_t wait_for_block(struct ring *ring, enum ring_reader reader, const void **out_data)
{
	const struct ring_block *block = block_number(ring, ring->readers[reader].next);

	while (ring->filled == ring->readers[reader].next && !ring->ended)
		(void)pthread_cond_wait(&ring->filled_more, &ring->lock);
	if (ring->filled == ring->readers[reader].next)
		return 0;
	*out_data = block->data;
	return block->size;
}

size_t ring_peek(struct ring *ring, enum ring_reader reader, const void **out_data)
{
	size_t size;

	(void)pthread_mutex_lock(&ring->lock);
	size = wait_for_block(ring, reader, out_data);
	(void)pthread_mutex_unlock(&ring->lock);
	return size;
}

size_t ring_next(struct ring *ring, enum ring_reader reader, const void **out_data)
{
	size_t size;

	(void)pthread_mutex_lock(&ring->lock);
	if (ring->readers[reader].holding)
		drop(ring, block_number(ring, ring->readers[reader].next - 1));
	size = wait_for_block(ring, reader, out_data);
	ring->readers[reader].holding = size > 0;
	ring->readers[reader].next += size > 0;
	(void)pthread_mutex_unlock(&ring->lock);
	return size;
}

void ring_abandon(struct ring *ring)
{
	(void)pthread_mutex_lock(&ring->lock);
	ring->abandoned = true;
	(void)pthread_cond_signal(&ring->freed_more);
	(void)pthread_mutex_unlock(&ring->lock);
}

int ring_hold(struct ring *ring, const void *data, size_t size)
{
	unsigned int number = (ring->readers[RING_EXTRACT].next - 1) % RING_BLOCKS;
	struct ring_block *block = &ring->blocks[number];
	const uint8_t *start = data;

	if (!ring->readers[RING_EXTRACT].holding || start < block->data || start + size > block->data + block->size)
		return -1;
	(void)pthread_mutex_lock(&ring->lock);
	block->holders++;
	(void)pthread_mutex_unlock(&ring->lock);
	return (int)number;
}

void ring_release(struct ring *ring, int block)
{
	(void)pthread_mutex_lock(&ring->lock);
	drop(ring, &ring->blocks[block]);
	(void)pthread_mutex_unlock(&ring->lock);
}
