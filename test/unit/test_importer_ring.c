#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <pthread.h>
#include <string.h>

#include "importer/ring.h"

enum { ROUNDS = 5000 };

static void *write_numbers(void *argument)
{
	struct ring *ring = argument;
	intptr_t written = 0;

	for (uint32_t i = 0; i < ROUNDS; i++) {
		uint8_t *block = ring_reserve(ring);

		if (!block)
			break;
		memcpy(block, &i, sizeof(i));
		ring_push(ring, sizeof(i));
		written++;
	}
	ring_end(ring);
	return (void *)written;
}

static void *count_blocks(void *argument)
{
	const void *ignored;
	intptr_t count = 0;

	while (ring_next(argument, RING_DIGEST, &ignored))
		count++;
	return (void *)count;
}

static void blocks_arrive_whole_and_in_order(void **state)
{
	struct ring ring;
	const void *data;
	pthread_t writer, other;
	void *counted;
	uint32_t number;

	(void)state;
	assert_int_equal(ring_init(&ring, NULL), 0);
	assert_int_equal(pthread_create(&writer, NULL, write_numbers, &ring), 0);
	assert_int_equal(pthread_create(&other, NULL, count_blocks, &ring), 0);
	for (uint32_t i = 0; i < ROUNDS; i++) {
		assert_int_equal(ring_next(&ring, RING_EXTRACT, &data), sizeof(number));
		memcpy(&number, data, sizeof(number));
		assert_int_equal(number, i);
	}
	assert_int_equal(ring_next(&ring, RING_EXTRACT, &data), 0);
	assert_int_equal(ring_next(&ring, RING_EXTRACT, &data), 0);
	(void)pthread_join(writer, NULL);
	(void)pthread_join(other, &counted);
	assert_int_equal((intptr_t)counted, ROUNDS);
	ring_finish(&ring);
}

/* A writer that waits for room, and nobody reads any more: it must be let go. */
static void abandoning_releases_the_writer(void **state)
{
	struct ring ring;
	void *written;
	pthread_t writer;

	(void)state;
	assert_int_equal(ring_init(&ring, NULL), 0);
	assert_int_equal(pthread_create(&writer, NULL, write_numbers, &ring), 0);
	ring_abandon(&ring);
	(void)pthread_join(writer, &written);
	assert_true((intptr_t)written <= RING_BLOCKS);
	ring_finish(&ring);
}

static void fill(struct ring *ring)
{
	for (int i = 0; i < RING_BLOCKS; i++) {
		uint8_t *block = ring_reserve(ring);

		block[0] = (uint8_t)i;
		ring_push(ring, 1);
	}
}

static void *reserve(void *argument)
{
	return ring_reserve(argument);
}

static void a_block_is_free_when_both_readers_gave_it_back(void **state)
{
	struct ring ring;
	const void *data, *other;
	uint8_t *block;

	(void)state;
	assert_int_equal(ring_init(&ring, NULL), 0);
	fill(&ring);
	assert_int_equal(ring_next(&ring, RING_EXTRACT, &data), 1);
	assert_int_equal(*(const uint8_t *)data, 0);
	/* The second call gives the first block back, and only that one is free then. */
	assert_int_equal(ring_next(&ring, RING_EXTRACT, &data), 1);
	assert_int_equal(ring.blocks[0].holders, 1);
	assert_int_equal(ring_next(&ring, RING_DIGEST, &other), 1);
	assert_int_equal(ring_next(&ring, RING_DIGEST, &other), 1);
	assert_ptr_equal(other, data);
	block = ring_reserve(&ring);
	assert_ptr_equal(block, ring.blocks[0].data);
	assert_int_equal(*(const uint8_t *)data, 1);
	ring_finish(&ring);
}

static void a_held_block_is_not_filled_again(void **state)
{
	struct ring ring;
	const void *data, *ignored;
	pthread_t writer;
	void *got;
	int held;

	(void)state;
	assert_int_equal(ring_init(&ring, NULL), 0);
	assert_int_equal(ring_hold(&ring, "elsewhere", 1), -1);
	fill(&ring);
	assert_int_equal(ring_next(&ring, RING_EXTRACT, &data), 1);
	assert_int_equal(ring_hold(&ring, data, 2), -1);
	held = ring_hold(&ring, data, 1);
	assert_int_equal(held, 0);
	for (int i = 0; i < 2; i++) {
		(void)ring_next(&ring, RING_EXTRACT, &ignored);
		(void)ring_next(&ring, RING_DIGEST, &ignored);
	}
	assert_int_equal(ring.blocks[0].holders, 1);
	assert_int_equal(pthread_create(&writer, NULL, reserve, &ring), 0);
	ring_release(&ring, held);
	(void)pthread_join(writer, &got);
	assert_ptr_equal(got, data);
	ring_finish(&ring);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(blocks_arrive_whole_and_in_order),
		cmocka_unit_test(abandoning_releases_the_writer),
		cmocka_unit_test(a_block_is_free_when_both_readers_gave_it_back),
		cmocka_unit_test(a_held_block_is_not_filled_again),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
