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

static void blocks_arrive_whole_and_in_order(void **state)
{
	struct ring ring;
	const void *data;
	pthread_t writer;
	uint32_t number;

	(void)state;
	assert_int_equal(ring_init(&ring, NULL), 0);
	assert_int_equal(pthread_create(&writer, NULL, write_numbers, &ring), 0);
	for (uint32_t i = 0; i < ROUNDS; i++) {
		assert_int_equal(ring_next(&ring, &data), sizeof(number));
		memcpy(&number, data, sizeof(number));
		assert_int_equal(number, i);
	}
	assert_int_equal(ring_next(&ring, &data), 0);
	assert_int_equal(ring_next(&ring, &data), 0);
	(void)pthread_join(writer, NULL);
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

static void the_block_in_the_readers_hands_is_not_overwritten(void **state)
{
	struct ring ring;
	const void *data;
	uint8_t *block;

	(void)state;
	assert_int_equal(ring_init(&ring, NULL), 0);
	for (int i = 0; i < RING_BLOCKS; i++) {
		block = ring_reserve(&ring);
		block[0] = (uint8_t)i;
		ring_push(&ring, 1);
	}
	assert_int_equal(ring_next(&ring, &data), 1);
	assert_int_equal(*(const uint8_t *)data, 0);
	/* The second call gives the first block back, and only that one is free then. */
	assert_int_equal(ring_next(&ring, &data), 1);
	block = ring_reserve(&ring);
	assert_ptr_not_equal(block, data);
	assert_int_equal(*(const uint8_t *)data, 1);
	ring_finish(&ring);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(blocks_arrive_whole_and_in_order),
		cmocka_unit_test(abandoning_releases_the_writer),
		cmocka_unit_test(the_block_in_the_readers_hands_is_not_overwritten),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
