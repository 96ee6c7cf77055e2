#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <string.h>

#include "base/memory.h"
#include "base/scope.h"
#include "importer/entry_path.h"

enum { DEPTH = 8 };

static struct entry_path path;

static void names_are_brought_to_one_spelling(void **state)
{
	static const struct {
		const char *raw, *text, *name;
		size_t depth;
	} rows[] = {
		{"a", "a", "a", 1},
		{"./a", "a", "a", 1},
		{"usr/bin/env", "usr/bin/env", "env", 3},
		{"a//b/./c/", "a/b/c", "c", 3},
		{"././", "", "", 0},
		{".", "", "", 0},
		{"...", "...", "...", 1},
		{"..a/b..", "..a/b..", "b..", 2},
		{".wh.x", ".wh.x", ".wh.x", 1},
		{"a\nb\x1b\xff", "a\nb\x1b\xff", "a\nb\x1b\xff", 1},
	};

	(void)state;
	for (size_t i = 0; i < array_count(rows); i++) {
		assert_int_equal(entry_path_parse(rows[i].raw, DEPTH, "entry", &path, NULL), 0);
		assert_string_equal(path.text, rows[i].text);
		assert_string_equal(path.text + path.name, rows[i].name);
		assert_int_equal(path.depth, rows[i].depth);
		assert_int_equal(path.length, strlen(rows[i].text));
	}
}

static void names_that_lead_elsewhere_are_refused(void **state)
{
	static const char *const rows[] = {"", "/", "/etc/passwd", "..", "../x", "a/..", "a/../b", "./../x", "a/b/../../.."};

	(void)state;
	for (size_t i = 0; i < array_count(rows); i++) {
		struct sandbox_error error = {0};

		assert_true(entry_path_parse(rows[i], DEPTH, "entry", &path, &error) < 0);
		assert_int_equal(error.id, SANDBOX_E_ARCHIVE_HOSTILE);
	}
}

static char *repeated(const char *text, size_t count)
{
	size_t length = strlen(text);
	char *result = memory_zeroed(count * length + 1, 1);

	for (size_t i = 0; i < count; i++)
		memcpy(result + i * length, text, length);
	return result;
}

static void depth_and_length_are_limited(void **state)
{
	auto_free char *deepest = repeated("d/", DEPTH), *deeper = repeated("d/", DEPTH + 1);
	auto_free char *longest = repeated("x", ENTRY_PATH_SIZE - 2), *longer = repeated("x", ENTRY_PATH_SIZE);
	struct sandbox_error error = {0};

	(void)state;
	assert_int_equal(entry_path_parse(deepest, DEPTH, "entry", &path, NULL), 0);
	assert_int_equal(path.depth, DEPTH);
	assert_true(entry_path_parse(deeper, DEPTH, "entry", &path, &error) < 0);
	assert_int_equal(error.id, SANDBOX_E_ARCHIVE_LIMIT);
	assert_int_equal(entry_path_parse(longest, DEPTH, "entry", &path, NULL), 0);
	error_clear(&error);
	assert_true(entry_path_parse(longer, DEPTH, "entry", &path, &error) < 0);
	assert_int_equal(error.id, SANDBOX_E_ARCHIVE_LIMIT);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(names_are_brought_to_one_spelling),
		cmocka_unit_test(names_that_lead_elsewhere_are_refused),
		cmocka_unit_test(depth_and_length_are_limited),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
