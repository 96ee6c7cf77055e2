#include "importer/ring.h"

#include <errno.h>
#include <stdlib.h>

int ring_init(struct ring *ring, struct sandbox_error *error)
{
	*ring = (struct ring){0};
	(void)pthread_mutex_init(&ring->lock, NULL);
	(void)pthread_cond_init(&ring->changed, NULL);
	for (size_t i = 0; i < RING_BLOCKS; i++) {
		ring->blocks[i] = malloc(RING_BLOCK_SIZE);
		if (!ring->blocks[i])
			return error_set(error, ENOMEM, "allocate buffers");
	}
	return 0;
}

void ring_finish(struct ring *ring)
{
	for (size_t i = 0; i < RING_BLOCKS; i++)
		free(ring->blocks[i]);
	(void)pthread_cond_destroy(&ring->changed);
	(void)pthread_mutex_destroy(&ring->lock);
}

uint8_t *ring_reserve(struct ring *ring)
{
	uint8_t *block;

	(void)pthread_mutex_lock(&ring->lock);
	while (ring->filled - ring->freed == RING_BLOCKS && !ring->abandoned)
		(void)pthread_cond_wait(&ring->changed, &ring->lock);
	block = ring->abandoned ? NULL : ring->blocks[ring->filled % RING_BLOCKS];
	(void)pthread_mutex_unlock(&ring->lock);
	return block;
}

void ring_push(struct ring *ring, size_t size)
{
	(void)pthread_mutex_lock(&ring->lock);
	ring->sizes[ring->filled % RING_BLOCKS] = size;
	ring->filled++;
	(void)pthread_cond_signal(&ring->changed);
	(void)pthread_mutex_unlock(&ring->lock);
}

void ring_end(struct ring *ring)
{
	(void)pthread_mutex_lock(&ring->lock);
	ring->ended = true;
	(void)pthread_cond_signal(&ring->changed);
	(void)pthread_mutex_unlock(&ring->lock);
}

size_t ring_peek(struct ring *ring, const void **out_data)
{
	size_t size = 0;

	(void)pthread_mutex_lock(&ring->lock);
	while (ring->filled == ring->freed && !ring->ended)
		(void)pthread_cond_wait(&ring->changed, &ring->lock);
	if (ring->filled != ring->freed) {
		*out_data = ring->blocks[ring->freed % RING_BLOCKS];
		size = ring->sizes[ring->freed % RING_BLOCKS];
	}
	(void)pthread_mutex_unlock(&ring->lock);
	return size;
}

size_t ring_next(struct ring *ring, const void **out_data)
{
	size_t size = 0;

	(void)pthread_mutex_lock(&ring->lock);
	if (ring->holding) {
		ring->holding = false;
		ring->freed++;
		(void)pthread_cond_signal(&ring->changed);
	}
	while (ring->filled == ring->freed && !ring->ended)
		(void)pthread_cond_wait(&ring->changed, &ring->lock);
	if (ring->filled != ring->freed) {
		ring->holding = true;
		*out_data = ring->blocks[ring->freed % RING_BLOCKS];
		size = ring->sizes[ring->freed % RING_BLOCKS];
	}
	(void)pthread_mutex_unlock(&ring->lock);
	return size;
}

void ring_abandon(struct ring *ring)
{
	(void)pthread_mutex_lock(&ring->lock);
	ring->abandoned = true;
	(void)pthread_cond_signal(&ring->changed);
	(void)pthread_mutex_unlock(&ring->lock);
}
