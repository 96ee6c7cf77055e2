#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/scope.h"
#include "security/rlimit.h"

static void requests_are_read_as_docker_does(void **state)
{
	static const struct {
		const char *text;
		int resource;
		rlim_t soft, hard;
		const char *shown;
	} rows[] = {
		{"nofile=1024", RLIMIT_NOFILE, 1024, 1024, "nofile=1024"},
		{"nofile=1024:4096", RLIMIT_NOFILE, 1024, 4096, "nofile=1024:4096"},
		{"core=0:-1", RLIMIT_CORE, 0, RLIM_INFINITY, "core=0:unlimited"},
		{"stack=unlimited", RLIMIT_STACK, RLIM_INFINITY, RLIM_INFINITY, "stack=unlimited"},
		{"rttime=-1:unlimited", RLIMIT_RTTIME, RLIM_INFINITY, RLIM_INFINITY, "rttime=unlimited"},
		{"as=18446744073709551614", RLIMIT_AS, RLIM_INFINITY - 1, RLIM_INFINITY - 1,
			"as=18446744073709551614"},
	};

	(void)state;
	for (size_t i = 0; i < array_count(rows); i++) {
		struct rlimit_list list = {0};
		char text[96];

		assert_int_equal(rlimit_add(&list, rows[i].text, NULL), 0);
		assert_int_equal(list.count, 1);
		assert_int_equal(list.items[0].resource, rows[i].resource);
		assert_true(list.items[0].value.rlim_cur == rows[i].soft);
		assert_true(list.items[0].value.rlim_max == rows[i].hard);
		assert_string_equal(rlimit_format(&list.items[0], text, sizeof(text)), rows[i].shown);
	}
}

static void every_resource_has_a_name_that_is_read(void **state)
{
	struct rlimit_list list = {0};

	(void)state;
	for (int resource = 0; resource < RLIM_NLIMITS; resource++) {
		char text[64];

		assert_non_null(rlimit_name(resource));
		(void)snprintf(text, sizeof(text), "%s=1", rlimit_name(resource));
		assert_int_equal(rlimit_add(&list, text, NULL), 0);
		assert_int_equal(list.items[resource].resource, resource);
	}
	assert_int_equal(list.count, RLIM_NLIMITS);
	assert_null(rlimit_name(RLIM_NLIMITS));
	assert_null(rlimit_name(-1));
}

static void a_later_request_replaces(void **state)
{
	struct rlimit_list list = {0};

	(void)state;
	assert_int_equal(rlimit_add(&list, "nofile=1", NULL), 0);
	assert_int_equal(rlimit_add(&list, "core=2", NULL), 0);
	assert_int_equal(rlimit_add(&list, "nofile=3", NULL), 0);
	assert_int_equal(list.count, 2);
	assert_int_equal(list.items[0].value.rlim_cur, 3);
}

static void mistakes_are_usage_errors(void **state)
{
	static const char *const rows[] = {"", "nofile", "nofile=", "nofile=x", "nofile=1:", "nofile=:1",
		"=1", "nofile=2:1", "nofile=-1:5", "nofile=-2", "nofile= 1", "nofile=1:2:3", "NOFILE=1",
		"files=1", "nofile=18446744073709551615", "nofile=99999999999999999999"};

	(void)state;
	for (size_t i = 0; i < array_count(rows); i++) {
		struct rlimit_list list = {0};
		struct sandbox_error error = {0};

		if (rlimit_add(&list, rows[i], &error) != -EINVAL || error.id != SANDBOX_E_USAGE ||
			list.count)
			fail_msg("%s is accepted", rows[i]);
	}
}

/* In a child with a hard limit of 64 files: whether `text` passes the check, and can then be applied. */
static int try_in_child(const char *text)
{
	int status;
	pid_t child = fork();

	if (child == 0) {
		struct rlimit limit = {.rlim_cur = 64, .rlim_max = 64};
		struct rlimit_list list = {0};
		struct sandbox_error error = {0};

		if (setrlimit(RLIMIT_NOFILE, &limit) < 0 || rlimit_add(&list, text, NULL) < 0)
			_exit(9);
		if (rlimit_check(&list, &error) < 0)
			_exit(error.id == SANDBOX_E_LIMIT_UNAVAILABLE && strstr(error.cause, "64") ? 1 : 9);
		if (rlimit_apply(&list, NULL) < 0 || getrlimit(RLIMIT_NOFILE, &limit) < 0)
			_exit(9);
		_exit(memcmp(&limit, &list.items[0].value, sizeof(limit)) ? 9 : 0);
	}
	assert_int_equal(waitpid(child, &status, 0), child);
	assert_true(WIFEXITED(status));
	return WEXITSTATUS(status);
}

static void the_hard_limit_is_a_border(void **state)
{
	(void)state;
	assert_int_equal(try_in_child("nofile=16:32"), 0);
	assert_int_equal(try_in_child("nofile=64"), 0);
	assert_int_equal(try_in_child("nofile=16:65"), 1);
	assert_int_equal(try_in_child("nofile=unlimited"), 1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(requests_are_read_as_docker_does),
		cmocka_unit_test(every_resource_has_a_name_that_is_read),
		cmocka_unit_test(a_later_request_replaces),
		cmocka_unit_test(mistakes_are_usage_errors),
		cmocka_unit_test(the_hard_limit_is_a_border),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
