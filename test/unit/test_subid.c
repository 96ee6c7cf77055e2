/* userns/subid: lines of subuid(5) and subgid(5). */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "base/scope.h"
#include "userns/subid.h"

static int parse(const char *text, struct id_ranges *out, struct sandbox_error *error)
{
	return subid_parse(text, "/etc/subuid", "alice", 1000, out, error);
}

static void own_lines_by_name_and_number(void **state)
{
	auto_finish(id_ranges_finish) struct id_ranges ranges = {0};

	(void)state;
	assert_int_equal(parse("# comment\nbob:1:5\nalice:100000:65536\n1000:300000:10\nalicea:7:7\n", &ranges, NULL), 0);
	assert_int_equal(ranges.count, 2);
	assert_int_equal(ranges.items[0].first, 100000);
	assert_int_equal(ranges.items[0].count, 65536);
	assert_int_equal(ranges.items[1].first, 300000);
}

static void nothing_is_no_error(void **state)
{
	auto_finish(id_ranges_finish) struct id_ranges ranges = {0};

	(void)state;
	assert_int_equal(parse("", &ranges, NULL), 0);
	assert_int_equal(parse("\n\nnonsense\nbob:x:y\nalice:5:0\n", &ranges, NULL), 0);
	assert_int_equal(ranges.count, 0);
}

static void bad_lines_of_ours_are_errors(void **state)
{
	static const struct {
		const char *text;
		const char *why;
	} rows[] = {
		{"alice:0:10\n", "root"},
		{"alice:-1:10\n", "decimal"},
		{"alice:1e5:10\n", "decimal"},
		{"alice:0x10:10\n", "decimal"},
		{"alice: 100000:10\n", "decimal"},
		{"alice:100000:10:9\n", "decimal"},
		{"alice:100000:\n", "decimal"},
		{"alice:100000:99999999999999999999\n", "decimal"},
		{"alice:4294967295:1\n", "above"},
		{"alice:4294967290:6\n", "above"},
		{"alice:5000000000:1\n", "above"},
		{"alice:999:2\n", "own id"},
		{"alice:1000:1\n", "own id"},
		{"alice:100000:10\nalice:100009:5\n", "overlaps"},
		{"alice:100000:10\n1000:99999:2\n", "overlaps"},
	};

	(void)state;
	for (size_t i = 0; i < array_count(rows); i++) {
		auto_finish(id_ranges_finish) struct id_ranges ranges = {0};
		struct sandbox_error error = {0};

		assert_int_equal(parse(rows[i].text, &ranges, &error), -EINVAL);
		assert_int_equal(error.id, SANDBOX_E_SUBID_INVALID);
		if (!strstr(error.cause, rows[i].why))
			fail_msg("%s: %s", rows[i].text, error.cause);
		assert_true(strlen(error.fix) > 0);
	}
}

static void the_last_usable_id_is_allowed(void **state)
{
	auto_finish(id_ranges_finish) struct id_ranges ranges = {0};

	(void)state;
	assert_int_equal(parse("alice:4294967294:1\n", &ranges, NULL), 0);
	assert_int_equal(ranges.count, 1);
}

/* What is suggested instead of a bad line is free in that file, and takes the place of that line. */
static void a_bad_line_has_a_fix(void **state)
{
	auto_finish(id_ranges_finish) struct id_ranges ranges = {0};
	struct sandbox_error error = {0};

	(void)state;
	assert_int_equal(parse("bob:100000:65536\ncarol:170000:1\nalice:0:10\n", &ranges, &error), -EINVAL);
	assert_string_equal(error.fix, "sudo sed -i '3s/.*/alice:231072:65536/' /etc/subuid");
	assert_int_equal(subid_parse("a/b:0:10\n", "/etc/subuid", "a/b", 1000, &ranges, &error), -EINVAL);
	assert_string_equal(error.fix, "correct /etc/subuid, or run with --userns=single");
}

static void the_first_free_range_is_found(void **state)
{
	struct id_range items[] = {{100000, 65536}, {165537, 1}, {250000, 1}, {4000000000u, 294967295u}};
	struct id_ranges ranges = {items, array_count(items)};

	(void)state;
	assert_int_equal(subid_find_free(&(struct id_ranges){NULL, 0}), 100000);
	assert_int_equal(subid_find_free(&ranges), 231072 + 65536);
	items[2].first = 296608;
	assert_int_equal(subid_find_free(&ranges), 231072);
	items[0] = (struct id_range){100000, UINT32_MAX - 100001};
	assert_int_equal(subid_find_free(&ranges), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(own_lines_by_name_and_number),
		cmocka_unit_test(nothing_is_no_error),
		cmocka_unit_test(bad_lines_of_ours_are_errors),
		cmocka_unit_test(the_last_usable_id_is_allowed),
		cmocka_unit_test(a_bad_line_has_a_fix),
		cmocka_unit_test(the_first_free_range_is_found),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
