#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <errno.h>
#include <linux/keyctl.h>
#include <seccomp.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/scope.h"
#include "security/keyring.h"

static void usage_is_read_from_key_users(void **state)
{
	static const char text[] = "    0:   133 132/132 35/1000000 704/25000000\n"
				   " 1000:     3 3/3 3/200 27/20000\n"
				   "11000:     1 1/1 1/200 9/20000\n";
	unsigned long keys = 7, limit = 7;

	(void)state;
	assert_true(keyring_parse_usage(text, 1000, &keys, &limit));
	assert_int_equal(keys, 3);
	assert_int_equal(limit, 200);
	assert_true(keyring_parse_usage(text, 0, &keys, &limit));
	assert_int_equal(limit, 1000000);
	assert_true(keyring_parse_usage(text, 11000, &keys, &limit));
	assert_int_equal(keys, 1);
	assert_false(keyring_parse_usage(text, 100, &keys, &limit));
	assert_false(keyring_parse_usage("", 0, &keys, &limit));
	assert_false(keyring_parse_usage("0: 1 2 3\n", 0, &keys, &limit));
}

/* Makes keyctl, add_key and request_key fail with `code` for the rest of this process. */
static void filter_keys(int code, bool only_keyctl)
{
	scmp_filter_ctx filter = seccomp_init(SCMP_ACT_ALLOW);

	if (!filter || seccomp_rule_add(filter, SCMP_ACT_ERRNO((uint32_t)code), SCMP_SYS(keyctl), 0) < 0)
		_exit(9);
	if (!only_keyctl &&
		(seccomp_rule_add(filter, SCMP_ACT_ERRNO((uint32_t)code), SCMP_SYS(add_key), 0) < 0 ||
			seccomp_rule_add(filter, SCMP_ACT_ERRNO((uint32_t)code), SCMP_SYS(request_key), 0) <
				0))
		_exit(9);
	if (seccomp_load(filter) < 0)
		_exit(9);
	seccomp_release(filter);
}

static int in_child(void (*body)(void))
{
	int status;
	pid_t child = fork();

	if (child == 0) {
		body();
		_exit(8);
	}
	assert_int_equal(waitpid(child, &status, 0), child);
	assert_true(WIFEXITED(status));
	return WEXITSTATUS(status);
}

/* A session keyring with a secret, as a login leaves it, is not the one that the process has afterwards. */
static void look_for_secret(void)
{
	long before, after;

	if (syscall(SYS_keyctl, KEYCTL_JOIN_SESSION_KEYRING, NULL) < 0)
		_exit(errno == ENOSYS || errno == EPERM ? 2 : 9);
	before = syscall(SYS_keyctl, KEYCTL_GET_KEYRING_ID, KEY_SPEC_SESSION_KEYRING, 0);
	if (syscall(SYS_add_key, "user", "sandbox-test", "secret", (size_t)6, KEY_SPEC_SESSION_KEYRING) < 0)
		_exit(9);
	if (syscall(SYS_keyctl, KEYCTL_SEARCH, KEY_SPEC_SESSION_KEYRING, "user", "sandbox-test", 0) < 0)
		_exit(9);
	if (keyring_join(NULL) < 0)
		_exit(1);
	after = syscall(SYS_keyctl, KEYCTL_GET_KEYRING_ID, KEY_SPEC_SESSION_KEYRING, 0);
	if (after < 0 || after == before ||
		syscall(SYS_keyctl, KEYCTL_SEARCH, KEY_SPEC_SESSION_KEYRING, "user", "sandbox-test", 0) >= 0)
		_exit(1);
	_exit(0);
}

static void the_secret_is_left_behind(void **state)
{
	int status = in_child(look_for_secret);

	(void)state;
	if (status == 2)
		skip();
	assert_int_equal(status, 0);
}

static void join_without_keys(void)
{
	filter_keys(ENOSYS, false);
	_exit(keyring_join(NULL) == 0 ? 0 : 1);
}

static void join_under_a_whole_filter(void)
{
	filter_keys(EPERM, false);
	_exit(keyring_join(NULL) == 0 ? 0 : 1);
}

static void join_under_half_a_filter(void)
{
	filter_keys(EPERM, true);
	_exit(keyring_join(NULL) == -EPERM ? 0 : 1);
}

static void join_over_quota(void)
{
	struct sandbox_error error = {0};

	filter_keys(EDQUOT, true);
	if (keyring_join(&error) != -EDQUOT || error.id != SANDBOX_E_KEY_QUOTA)
		_exit(1);
	_exit(strstr(error.cause, "maxkeys") && *error.fix ? 0 : 1);
}

static void unreachable_keys_need_no_keyring(void **state)
{
	(void)state;
	assert_int_equal(in_child(join_without_keys), 0);
	assert_int_equal(in_child(join_under_a_whole_filter), 0);
}

static void reachable_keys_without_a_keyring_are_an_error(void **state)
{
	(void)state;
	assert_int_equal(in_child(join_under_half_a_filter), 0);
}

static void the_quota_is_named(void **state)
{
	(void)state;
	assert_int_equal(in_child(join_over_quota), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(usage_is_read_from_key_users),
		cmocka_unit_test(the_secret_is_left_behind),
		cmocka_unit_test(unreachable_keys_need_no_keyring),
		cmocka_unit_test(reachable_keys_without_a_keyring_are_an_error),
		cmocka_unit_test(the_quota_is_named),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
