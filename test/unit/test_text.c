#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <cmocka.h>

#include "base/scope.h"
#include "base/text.h"

static void escape_leaves_ordinary_text(void **state)
{
	auto_free char *plain = text_escape("usr/bin/größe 1.0");

	(void)state;
	assert_string_equal(plain, "usr/bin/größe 1.0");
}

static void escape_keeps_json_what_it_is(void **state)
{
	auto_free char *escaped = text_escape_json("{\n\t\"gr\xc3\xb6\xc3\x9f" "e \\n\": \"\x7f\xc2\x9b" "1m\xe2\x80\xae\"}");

	(void)state;
	assert_string_equal(escaped, "{\n\t\"gr\xc3\xb6\xc3\x9f" "e \\n\": \"\\u007f\\u009b1m\\u202e\"}");
}

static void escape_hides_what_a_terminal_obeys(void **state)
{
	static const struct {
		const char *from, *to;
	} rows[] = {
		{"\033[2J", "\\x1b[2J"},
		{"a\nb\tc\x7f", "a\\x0ab\\x09c\\x7f"},
		{"\\", "\\\\"},
		{"\xff", "\\xff"},
		{"\xc0\xaf", "\\xc0\\xaf"},                  /* an overlong slash */
		{"\xed\xa0\x80", "\\xed\\xa0\\x80"},         /* a surrogate */
		{"a\xe2\x80\xae""b", "a\\xe2\\x80\\xae""b"}, /* U+202E, right-to-left override */
		{"\xc2\x9b""2J", "\\xc2\\x9b""2J"},          /* U+009B, the one-byte form of ESC [ */
	};

	(void)state;
	for (size_t i = 0; i < array_count(rows); i++) {
		auto_free char *escaped = text_escape(rows[i].from);

		assert_string_equal(escaped, rows[i].to);
	}
}

static void utf8_is_strict(void **state)
{
	(void)state;
	assert_true(text_is_utf8(""));
	assert_true(text_is_utf8("größe \xf0\x9f\x90\xa7"));
	assert_false(text_is_utf8("\xc0\xaf"));
	assert_false(text_is_utf8("\xed\xa0\x80"));
	assert_false(text_is_utf8("\xf4\x90\x80\x80")); /* above U+10FFFF */
	assert_false(text_is_utf8("\xe2\x80"));
}

static void shortening_cuts_no_character(void **state)
{
	static const char *const rows[][2] = {
		{"", ""}, {"abcdef", "abcdef"}, {"abcdefg", "abc..."}, {"abücde", "ab..."}, {"größe", "gr..."}, {"größ", "größ"},
		{"\xf0\x9f\x90\xa7\xf0\x9f\x90\xa7", "..."}, {"\x80\x80\x80\x80\x80\x80\x80", "..."},
	};

	(void)state;
	for (size_t i = 0; i < array_count(rows); i++) {
		char text[16];

		(void)snprintf(text, sizeof(text), "%s", rows[i][0]);
		assert_string_equal(text_shorten(text, 6), rows[i][1]);
	}
	assert_int_equal(text_cut("größe", 3), 2);
	assert_int_equal(text_cut("größe", 4), 4);
	assert_int_equal(text_cut("größe", 100), 7);
}

static void unsigned_numbers_are_plain_decimal(void **state)
{
	static const char *const refused[] = {"", " 1", "1 ", "+1", "-1", "0x1", "1a", "65536",
		"18446744073709551616", "99999999999999999999999"};
	uint64_t value = 7;

	(void)state;
	assert_true(text_parse_unsigned("65535", 65535, &value));
	assert_int_equal(value, 65535);
	assert_true(text_parse_unsigned("18446744073709551615", UINT64_MAX, &value));
	assert_true(value == UINT64_MAX);
	value = 7;
	for (size_t i = 0; i < array_count(refused); i++)
		assert_false(text_parse_unsigned(refused[i], 65535, &value));
	assert_int_equal(value, 7);
}

static void octal_numbers(void **state)
{
	uint64_t value = 7;

	(void)state;
	assert_false(text_parse_octal("8", 07777, &value));
	assert_false(text_parse_octal("10000", 07777, &value));
	assert_int_equal(value, 7);
	assert_true(text_parse_octal("4755", 07777, &value));
	assert_int_equal(value, 04755);
}

static void sizes(void **state)
{
	static const struct {
		const char *text;
		uint64_t bytes;
	} rows[] = {
		{"0", 0}, {"1", 1}, {"1b", 1}, {"1k", 1024}, {"1K", 1024}, {"2kb", 2048}, {"2KiB", 2048},
		{"1m", 1 << 20}, {"3g", 3ULL << 30}, {"1t", 1ULL << 40},
	};
	static const char *const refused[] = {"", "k", "-1", "1x", "1kk", "1 k", "99999999999999t", "0x10"};
	uint64_t value = 7;

	(void)state;
	for (size_t i = 0; i < array_count(rows); i++) {
		assert_true(text_parse_size(rows[i].text, &value));
		assert_true(value == rows[i].bytes);
	}
	value = 7;
	for (size_t i = 0; i < array_count(refused); i++)
		assert_false(text_parse_size(refused[i], &value));
	assert_int_equal(value, 7);
}

static void durations(void **state)
{
	static const struct {
		const char *text;
		uint64_t milliseconds;
	} rows[] = {
		{"10", 10000}, {"1.5s", 1500}, {"300ms", 300}, {"2m", 120000}, {"1h30m", 5400000}, {"0", 0},
	};
	static const char *const refused[] = {"", "s", "-1", "1x", "1.5.5", "1 s", "1h30", "0h30", "99999999999999999999h"};
	uint64_t value = 7;

	(void)state;
	for (size_t i = 0; i < array_count(rows); i++) {
		assert_true(text_parse_duration(rows[i].text, &value));
		assert_true(value == rows[i].milliseconds);
	}
	value = 7;
	for (size_t i = 0; i < array_count(refused); i++)
		assert_false(text_parse_duration(refused[i], &value));
	assert_int_equal(value, 7);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(escape_leaves_ordinary_text),
		cmocka_unit_test(escape_keeps_json_what_it_is),
		cmocka_unit_test(escape_hides_what_a_terminal_obeys),
		cmocka_unit_test(utf8_is_strict),
		cmocka_unit_test(shortening_cuts_no_character),
		cmocka_unit_test(unsigned_numbers_are_plain_decimal),
		cmocka_unit_test(octal_numbers),
		cmocka_unit_test(sizes),
		cmocka_unit_test(durations),
	};

	return cmocka_run_group_tests_name("text", tests, NULL, NULL);
}
