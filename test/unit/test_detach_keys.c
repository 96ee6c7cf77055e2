/* The keys that leave a sandbox: how they are written, and how they are found in what is typed. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <string.h>

#include "base/scope.h"
#include "process/detach_keys.h"

static void keys_are_written_as_docker_does(void **state)
{
	static const char *const refused[] = {"ctrl-P", "ctrl-", "ab", "a,", ",", "ctrl-ab", "a,,b", "ctrl-1",
		"a,a,a,a,a,a,a,a,a,a,a,a,a,a,a,a,a"};
	struct detach_keys keys;

	(void)state;
	assert_int_equal(detach_keys_parse(DETACH_KEYS_USUAL, &keys, NULL), 0);
	assert_int_equal(keys.count, 2);
	assert_memory_equal(keys.keys, "\x10\x11", 2);
	assert_int_equal(detach_keys_parse("ctrl-[,x,ctrl-_", &keys, NULL), 0);
	assert_memory_equal(keys.keys, "\x1bx\x1f", 3);
	assert_int_equal(detach_keys_parse("", &keys, NULL), 0);
	assert_int_equal(keys.count, 0);
	for (size_t i = 0; i < array_count(refused); i++)
		assert_true(detach_keys_parse(refused[i], &keys, NULL) < 0);
}

/* Types `in` byte by byte, and all at once. */
static void expect(const char *names, const char *in, const char *out, bool leaves)
{
	for (size_t step = 1; step <= strlen(in); step = step == 1 ? strlen(in) : step + 1) {
		struct detach_keys keys;
		char passed[256];
		size_t used = 0;
		bool left = false;

		assert_int_equal(detach_keys_parse(names, &keys, NULL), 0);
		for (size_t i = 0; i < strlen(in) && !left; i += step)
			used += detach_keys_filter(&keys, in + i, step, passed + used, &left);
		passed[used] = '\0';
		assert_string_equal(passed, out);
		assert_int_equal(left, leaves);
		if (step == strlen(in))
			break;
	}
}

static void keys_are_found_in_what_is_typed(void **state)
{
	(void)state;
	expect("a,b", "xyz", "xyz", false);
	expect("a,b", "xaby", "x", true);
	expect("a,b", "xacy", "xacy", false);
	expect("a,b", "xaab", "xa", true);
	expect("a,a,b", "aaab", "a", true);
	expect("a,b,a,c", "ababac", "ab", true);
	expect("a,b", "xa", "x", false);
	expect("a", "xay", "x", true);
	expect("", "ab", "ab", false);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(keys_are_written_as_docker_does),
		cmocka_unit_test(keys_are_found_in_what_is_typed),
	};

	return cmocka_run_group_tests_name("detach keys", tests, NULL, NULL);
}
