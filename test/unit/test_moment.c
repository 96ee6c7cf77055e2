/* Points in time, as users name them. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdlib.h>

#include "base/moment.h"
#include "base/scope.h"

#define SECOND INT64_C(1000000000)
#define NOW (INT64_C(1800000000) * SECOND)

static void moments_are_read(void **state)
{
	static const struct {
		const char *text;
		int64_t moment;
	} rows[] = {
		{"0", 0}, {"1767225600", 1767225600 * SECOND}, {"1767225600.25", 1767225600 * SECOND + SECOND / 4},
		{"2026-01-01T00:00:00Z", 1767225600 * SECOND}, {"2026-01-01T00:00Z", 1767225600 * SECOND},
		{"2026-01-01T02:00:00.5+02:00", 1767225600 * SECOND + SECOND / 2},
		{"2025-12-31T19:00:00-05:00", 1767225600 * SECOND},
		{"2026-01-01", 1767225600 * SECOND}, {"10m", NOW - 600 * SECOND}, {"1500ms", NOW - SECOND - SECOND / 2},
		{"99999999h", 0},
	};
	static const char *const refused[] = {"", "then", "2026-13-01T00:00:00Z.", "2026-01-01T00:00:00Y", "-5",
		"2026-01-01T00:00:00+2", "1969-12-31T00:00:00Z", "9999-01-01T00:00:00Z", "2026-01-01T00:00:00.Z"};
	int64_t moment = 7;

	(void)state;
	for (size_t i = 0; i < array_count(rows); i++) {
		if (!moment_parse(rows[i].text, NOW, &moment) || moment != rows[i].moment)
			fail_msg("%s is %lld", rows[i].text, (long long)moment);
	}
	for (size_t i = 0; i < array_count(refused); i++)
		if (moment_parse(refused[i], NOW, &moment))
			fail_msg("%s should be refused", refused[i]);
}

static void texts_sort_as_times_do(void **state)
{
	char text[MOMENT_SIZE];

	(void)state;
	moment_format(1767225600 * SECOND + 5, text);
	assert_string_equal(text, "2026-01-01T00:00:00.000000005Z");
	moment_format(0, text);
	assert_string_equal(text, "1970-01-01T00:00:00.000000000Z");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(moments_are_read),
		cmocka_unit_test(texts_sort_as_times_do),
	};

	(void)setenv("TZ", "UTC", 1);
	return cmocka_run_group_tests_name("moment", tests, NULL, NULL);
}
