/* userns/idmap: building, joining, looking up and naming maps. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "base/scope.h"
#include "userns/idmap.h"

static void single_maps_only_root(void **state)
{
	struct idmap map;
	uint32_t outside = 0;

	(void)state;
	idmap_single(&map, 1000, 1001);
	assert_true(map.single);
	assert_true(id_extents_lookup(&map.users, 0, &outside));
	assert_int_equal(outside, 1000);
	assert_true(id_extents_lookup(&map.groups, 0, &outside));
	assert_int_equal(outside, 1001);
	assert_false(id_extents_lookup(&map.users, 1, NULL));
}

static void ranges_follow_root_in_order(void **state)
{
	struct id_range items[] = {{100000, 10}, {300000, 5}};
	struct id_ranges ranges = {items, 2};
	struct idmap map;
	char text[200];
	uint32_t outside;

	(void)state;
	assert_int_equal(idmap_ranges(&map, 1000, 1000, &ranges, &ranges, NULL), 0);
	assert_false(map.single);
	assert_string_equal(id_extents_format(&map.users, text, sizeof(text)),
		"0 1000 1, 1 100000 10, 11 300000 5");
	assert_true(id_extents_lookup(&map.users, 15, &outside));
	assert_int_equal(outside, 300004);
	assert_false(id_extents_lookup(&map.users, 16, &outside));
}

static void refused_extents(void **state)
{
	static const struct {
		struct id_extent extent;
		const char *why;
	} rows[] = {
		{{5, 5, 0}, "empty"},
		{{0, 500, 1}, "overlaps"},
		{{7, 1000, 1}, "overlaps"},
		{{7, 999, 2}, "overlaps"},
		{{1, UINT32_MAX - 1, 2}, "above"},
		{{UINT32_MAX, 1, 1}, "above"},
		{{1, 2, UINT32_MAX}, "above"},
	};

	(void)state;
	for (size_t i = 0; i < array_count(rows); i++) {
		struct id_extents extents = {.items = {{0, 1000, 1}}, .count = 1};
		struct sandbox_error error = {0};

		assert_int_equal(id_extents_add(&extents, rows[i].extent, &error), -EINVAL);
		assert_int_equal(error.id, SANDBOX_E_SUBID_INVALID);
		assert_non_null(strstr(error.cause, rows[i].why));
		assert_int_equal(extents.count, 1);
	}
}

static void too_many_extents(void **state)
{
	struct id_extents extents = {.count = 0};

	(void)state;
	for (uint32_t i = 0; i < ID_MAP_EXTENTS_MAX; i++)
		assert_int_equal(id_extents_add(&extents, (struct id_extent){i, 1000 + i, 1}, NULL), 0);
	assert_int_equal(id_extents_add(&extents, (struct id_extent){500, 500, 1}, NULL), -EINVAL);
}

static void read_back_joins_what_the_kernel_splits(void **state)
{
	struct id_extents left, right;

	(void)state;
	assert_int_equal(id_extents_parse("  0  1000  1\n  1  100000  10\n 11 100010 5\n", &left, NULL), 0);
	assert_int_equal(id_extents_parse("1 100000 15\n0 1000 1\n", &right, NULL), 0);
	assert_false(id_extents_equal(&left, &right));
	id_extents_join(&left);
	id_extents_join(&right);
	assert_true(id_extents_equal(&left, &right));
	assert_int_equal(id_extents_parse("0 x 1\n", &left, NULL), -EINVAL);
}

static void keys_tell_maps_apart(void **state)
{
	struct id_range item = {100000, 65536}, other = {200000, 65536};
	struct id_ranges ranges = {&item, 1}, others = {&other, 1};
	struct idmap single, first, second;
	char single_key[IDMAP_KEY_SIZE], key[IDMAP_KEY_SIZE], again[IDMAP_KEY_SIZE];

	(void)state;
	idmap_single(&single, 1000, 1000);
	assert_int_equal(idmap_ranges(&first, 1000, 1000, &ranges, &ranges, NULL), 0);
	assert_int_equal(idmap_ranges(&second, 1000, 1000, &ranges, &others, NULL), 0);
	idmap_key(&single, single_key);
	idmap_key(&first, key);
	idmap_key(&first, again);
	assert_string_equal(key, again);
	assert_int_equal(strlen(key), 16);
	assert_string_not_equal(key, single_key);
	idmap_key(&second, again);
	assert_string_not_equal(key, again);
}

static void finds_the_way_back(void **state)
{
	struct id_range items[] = {{100000, 10}, {300000, 5}};
	struct id_ranges ranges = {items, 2};
	struct idmap map;
	uint32_t inside = 99;

	(void)state;
	assert_int_equal(idmap_ranges(&map, 1000, 1000, &ranges, &ranges, NULL), 0);
	assert_true(id_extents_find(&map.users, 1000, &inside));
	assert_int_equal(inside, 0);
	assert_true(id_extents_find(&map.users, 300004, &inside));
	assert_int_equal(inside, 15);
	assert_false(id_extents_find(&map.users, 300005, NULL));
	assert_false(id_extents_find(&map.users, 999, NULL));
	assert_false(id_extents_find(&map.users, 0, NULL));
	assert_false(id_extents_find(&map.users, UINT32_MAX, NULL));
}

static void add(struct id_extents *extents, uint32_t inside, uint32_t outside, uint32_t count)
{
	assert_int_equal(id_extents_add(extents, (struct id_extent){inside, outside, count}, NULL), 0);
}

/* Every id of either has one place, once; root is the first map's. */
static void a_cover_has_the_ids_of_both(void **state)
{
	struct idmap first = {.single = false}, second = {.single = false}, cover;
	char text[400];

	(void)state;
	add(&first.users, 1000, 1000, 1);
	add(&first.users, 0, 100000, 1000);
	add(&second.users, 0, 1000, 1);
	add(&second.users, 1, 99990, 20);
	add(&second.users, 21, 100500, 1000);
	first.groups = second.groups = second.users;
	assert_int_equal(idmap_cover(&cover, &first, &second, NULL), 0);
	assert_false(cover.single);
	assert_string_equal(id_extents_format(&cover.users, text, sizeof(text)),
		"0 100000 1, 1 1000 1, 2 100001 999, 1001 99990 10, 1011 101000 500");
	assert_string_equal(id_extents_format(&cover.groups, text, sizeof(text)), "0 1000 1, 1 99990 20, 21 100500 1000");
}

static void a_cover_of_single_ids(void **state)
{
	struct idmap first, second, cover;
	char text[200];

	(void)state;
	idmap_single(&first, 1000, 1001);
	second = first;
	assert_int_equal(idmap_cover(&cover, &first, &second, NULL), 0);
	assert_true(cover.single);
	assert_string_equal(id_extents_format(&cover.users, text, sizeof(text)), "0 1000 1");
	add(&second.users, 1, 100000, UINT32_MAX - 100001);
	second.single = false;
	assert_int_equal(idmap_cover(&cover, &first, &second, NULL), 0);
	assert_false(cover.single);
	assert_string_equal(id_extents_format(&cover.users, text, sizeof(text)), "0 1000 1, 1 100000 4294867294");
	first.users.count = 0;
	assert_int_equal(idmap_cover(&cover, &first, &second, NULL), -EINVAL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(single_maps_only_root),
		cmocka_unit_test(ranges_follow_root_in_order),
		cmocka_unit_test(refused_extents),
		cmocka_unit_test(too_many_extents),
		cmocka_unit_test(read_back_joins_what_the_kernel_splits),
		cmocka_unit_test(keys_tell_maps_apart),
		cmocka_unit_test(finds_the_way_back),
		cmocka_unit_test(a_cover_has_the_ids_of_both),
		cmocka_unit_test(a_cover_of_single_ids),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
