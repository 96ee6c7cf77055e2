#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <string.h>

#include "base/scope.h"
#include "cli/import_progress.h"

enum { MIB = 1 << 20 };

static void a_line_says_what_is_known(void **state)
{
	static const struct {
		struct progress_state progress;
		size_t columns;
		const char *line;
	} rows[] = {
		{{"importing a.tar", 300, 25 * MIB, 100 * MIB, 5}, 0,
			"importing a.tar: 25 %, 25.0 MiB of 100 MiB, 0:15 left, 300 entries, 5.0 MiB/s"},
		{{"importing a.tar", 300, 25 * MIB, 100 * MIB, 5}, 100, "importing a.tar:  25 % "
			"[=====>              ] 25.0 MiB of 100 MiB, 0:15 left, 300 entries, 5.0 MiB/s"},
		/* Where there is less room, what is least useful goes first; then the bar. */
		{{"importing a.tar", 300, 25 * MIB, 100 * MIB, 5}, 72,
			"importing a.tar:  25 % 25.0 MiB of 100 MiB, 0:15 left, 300 entries"},
		{{"importing a.tar", 300, 25 * MIB, 100 * MIB, 5}, 30, "importing a.tar:  25 % "},
		/* Standard input has no size, and so no end that is known. */
		{{"importing -", 7, 3 * MIB, 0, 2}, 80, "importing -: 3.0 MiB, 7 entries, 1.5 MiB/s"},
		{{"comparing a.tar", 0, 0, 3600ull * MIB, 0}, 0, "comparing a.tar: 0 %, 0 B of 3.5 GiB"},
		/* A file that grows while it is read. */
		{{"importing -", 1, 30 * MIB, 10 * MIB, 1}, 0,
			"importing -: 100 %, 10.0 MiB of 10.0 MiB, 0:00 left, 1 entry, 10.0 MiB/s"},
		{{"importing -", 1, MIB, 8000ull * MIB, 1}, 0,
			"importing -: 0 %, 1.0 MiB of 7.8 GiB, 133:19 left, 1 entry, 1.0 MiB/s"},
	};
	char line[544];

	(void)state;
	for (size_t i = 0; i < array_count(rows); i++) {
		assert_string_equal(progress_format(&rows[i].progress, rows[i].columns, line, sizeof(line)), rows[i].line);
		assert_true(rows[i].columns == 0 || strlen(line) <= rows[i].columns);
	}
}

static void no_line_is_wider_than_the_terminal(void **state)
{
	static const char name[] = "importing a-name-that-is-a-good-deal-longer-than-any-terminal-would-ever-be-for-us.tar";
	struct progress_state progress = {name, 1234567, 12345 * (uint64_t)MIB, 54321 * (uint64_t)MIB, 100};
	char line[544];

	(void)state;
	/* Less than the percentage has no room on the narrowest. */
	for (size_t columns = 1; columns < 400; columns++)
		assert_true(strlen(progress_format(&progress, columns, line, sizeof(line))) <= (columns < 16 ? 16 : columns));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_line_says_what_is_known),
		cmocka_unit_test(no_line_is_wider_than_the_terminal),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
