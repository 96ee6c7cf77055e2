#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <errno.h>
#include <sched.h>
#include <string.h>
#include <sys/capability.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/scope.h"
#include "base/strings.h"
#include "security/capability.h"

static struct sandbox_strings split(const char *words)
{
	struct sandbox_strings list = {0};
	auto_free char *copy = strdup(words);

	for (char *rest = copy, *word; (word = strsep(&rest, " "));)
		if (*word)
			sandbox_strings_add(&list, word);
	return list;
}

static int decide(const char *add, const char *drop, uint64_t *out, struct sandbox_error *error)
{
	auto_finish(sandbox_strings_finish) struct sandbox_strings added = split(add), dropped = split(drop);
	int result = capability_decide(&added, &dropped, out, error);

	sandbox_strings_finish(&dropped);
	return result;
}

static void names_are_docker_s_and_the_kernel_s(void **state)
{
	static const struct {
		const char *name;
		int number;
	} rows[] = {
		{"CHOWN", CAP_CHOWN},
		{"chown", CAP_CHOWN},
		{"CAP_CHOWN", CAP_CHOWN},
		{"cap_Net_Raw", CAP_NET_RAW},
		{"CHECKPOINT_RESTORE", CAP_CHECKPOINT_RESTORE},
		{"ALL", -1},
		{"", -1},
		{"CAP_", -1},
		{"0", -1},
		{"CHOWN ", -1},
		{"CAP_CAP_CHOWN", -1},
		{"cap_chown,cap_kill", -1},
		{"cap_chown=ep", -1},
	};

	(void)state;
	for (size_t i = 0; i < array_count(rows); i++)
		if (capability_number(rows[i].name) != rows[i].number)
			fail_msg("%s is %d", rows[i].name, capability_number(rows[i].name));
}

static void default_is_the_documented_set(void **state)
{
	auto_free char *line = capability_format(CAPABILITY_DEFAULT);
	uint64_t mask;

	(void)state;
	assert_int_equal(capability_decide(NULL, NULL, &mask, NULL), 0);
	assert_int_equal(mask, CAPABILITY_DEFAULT);
	assert_string_equal(line,
		"CHOWN DAC_OVERRIDE FOWNER FSETID KILL SETGID SETUID SETPCAP NET_BIND_SERVICE SYS_CHROOT "
		"SETFCAP");
}

static void lists_combine_as_in_docker(void **state)
{
	const uint64_t all = capability_all(), chown = CAPABILITY_BIT(CAP_CHOWN),
		       raw = CAPABILITY_BIT(CAP_NET_RAW);
	const struct {
		const char *add, *drop;
		uint64_t mask;
	} rows[] = {
		{"", "", CAPABILITY_DEFAULT},
		{"NET_RAW", "", CAPABILITY_DEFAULT | raw},
		{"", "CHOWN", CAPABILITY_DEFAULT & ~chown},
		{"net_raw", "cap_chown", (CAPABILITY_DEFAULT | raw) & ~chown},
		{"", "NET_RAW", CAPABILITY_DEFAULT},
		{"", "ALL", 0},
		{"CHOWN NET_RAW", "all", chown | raw},
		{"ALL", "", all},
		{"ALL", "NET_RAW CHOWN", all & ~(raw | chown)},
		{"all chown", "NET_RAW", all & ~raw},
		{"CHOWN", "ALL NET_RAW", chown},
	};

	(void)state;
	for (size_t i = 0; i < array_count(rows); i++) {
		uint64_t mask = 1;

		assert_int_equal(decide(rows[i].add, rows[i].drop, &mask, NULL), 0);
		if (mask != rows[i].mask)
			fail_msg("add '%s' drop '%s' gives %lx", rows[i].add, rows[i].drop,
				(unsigned long)mask);
	}
}

static void mistakes_are_named(void **state)
{
	static const struct {
		const char *add, *drop, *text;
	} rows[] = {
		{"CHWON", "", "unknown capability \"CHWON\""},
		{"", "NET_RAW x\033", "unknown capability \"x\\x1b\""},
		{"CHOWN", "cap_chown", "capability CHOWN is both added and dropped"},
		{"ALL", "ALL", "capability ALL is both added and dropped"},
	};

	(void)state;
	for (size_t i = 0; i < array_count(rows); i++) {
		struct sandbox_error error = {0};
		uint64_t mask = 42;

		assert_int_equal(decide(rows[i].add, rows[i].drop, &mask, &error), -EINVAL);
		assert_int_equal(mask, 42);
		assert_int_equal(error.id, SANDBOX_E_CAPABILITY);
		assert_string_equal(error.text, rows[i].text);
		assert_true(*error.cause && *error.fix);
	}
}

static void format_has_words_for_the_ends(void **state)
{
	auto_free char *none = capability_format(0), *all = capability_format(capability_all());
	auto_free char *unknown = capability_format(CAPABILITY_BIT(63));

	(void)state;
	assert_string_equal(none, "none");
	assert_string_equal(all, "ALL");
	assert_string_equal(unknown, "63");
}

struct sets {
	uint64_t bounding, permitted, effective, inheritable, ambient;
};

static uint64_t read_flag(cap_t caps, cap_flag_t flag)
{
	uint64_t mask = 0;

	for (int number = 0; number < cap_max_bits(); number++) {
		cap_flag_value_t held = CAP_CLEAR;

		(void)cap_get_flag(caps, number, flag, &held);
		if (held == CAP_SET)
			mask |= CAPABILITY_BIT(number);
	}
	return mask;
}

static struct sets read_sets(void)
{
	cap_t caps = cap_get_proc();
	struct sets sets = {
		.permitted = read_flag(caps, CAP_PERMITTED),
		.effective = read_flag(caps, CAP_EFFECTIVE),
		.inheritable = read_flag(caps, CAP_INHERITABLE),
	};

	for (int number = 0; number < cap_max_bits(); number++) {
		sets.bounding |= cap_get_bound(number) == 1 ? CAPABILITY_BIT(number) : 0;
		sets.ambient |= cap_get_ambient(number) == 1 ? CAPABILITY_BIT(number) : 0;
	}
	(void)cap_free(caps);
	return sets;
}

/* In a process that has every capability, also inheritable and ambient: the worst that can be inherited. */
static void raise_everything(void)
{
	cap_iab_t iab = cap_iab_init();
	cap_t caps = cap_get_proc();

	(void)cap_fill(caps, CAP_INHERITABLE, CAP_PERMITTED);
	(void)cap_set_proc(caps);
	(void)cap_iab_fill(iab, CAP_IAB_AMB, caps, CAP_PERMITTED);
	(void)cap_iab_set_proc(iab);
	(void)cap_free(iab);
	(void)cap_free(caps);
}

/* What a child that is root of a new user namespace holds after it applied `mask`, and ended as `uid`. */
static struct sets apply_in_child(uint64_t mask, bool lower_id)
{
	struct sets sets = {0};
	int channel[2], status;
	pid_t child;

	assert_int_equal(pipe(channel), 0);
	child = fork();
	if (child == 0) {
		uint64_t before = capability_all();

		/* An ordinary user becomes the overflow uid, which is not 0 but holds all capabilities. */
		if (unshare(CLONE_NEWUSER) < 0)
			_exit(2);
		raise_everything();
		sets = read_sets();
		if (sets.permitted != before || sets.ambient != before)
			_exit(3);
		if (capability_limit(mask, NULL) < 0 || capability_apply(mask, !lower_id, NULL) < 0)
			_exit(4);
		sets = read_sets();
		_exit(write(channel[1], &sets, sizeof(sets)) == sizeof(sets) ? 0 : 5);
	}
	assert_int_equal(waitpid(child, &status, 0), child);
	if (status == 2 << 8)
		skip();
	assert_int_equal(status, 0);
	assert_int_equal(read(channel[0], &sets, sizeof(sets)), sizeof(sets));
	(void)close(channel[0]);
	(void)close(channel[1]);
	return sets;
}

static void root_holds_exactly_the_mask(void **state)
{
	const uint64_t masks[] = {CAPABILITY_DEFAULT, 0, CAPABILITY_BIT(CAP_SYS_ADMIN), capability_all()};

	(void)state;
	for (size_t i = 0; i < array_count(masks); i++) {
		struct sets sets = apply_in_child(masks[i], false);

		assert_int_equal(sets.bounding, masks[i]);
		assert_int_equal(sets.permitted, masks[i]);
		assert_int_equal(sets.effective, masks[i]);
		assert_int_equal(sets.inheritable, 0);
		assert_int_equal(sets.ambient, 0);
	}
}

static void others_hold_nothing(void **state)
{
	struct sets sets = apply_in_child(CAPABILITY_DEFAULT, true);

	(void)state;
	assert_int_equal(sets.bounding, CAPABILITY_DEFAULT);
	assert_int_equal(sets.permitted, 0);
	assert_int_equal(sets.effective, 0);
	assert_int_equal(sets.inheritable, 0);
	assert_int_equal(sets.ambient, 0);
}

static void a_set_that_was_not_limited_is_noticed(void **state)
{
	int status;
	pid_t child = fork();

	(void)state;
	if (child == 0) {
		struct sandbox_error error = {0};

		if (unshare(CLONE_NEWUSER) < 0)
			_exit(2);
		/* Without capability_limit the bounding set is still whole. */
		_exit(capability_apply(CAPABILITY_DEFAULT, true, &error) == -EPERM &&
					strstr(error.text, "bounding")
				? 0
				: 1);
	}
	assert_int_equal(waitpid(child, &status, 0), child);
	if (status == 2 << 8)
		skip();
	assert_int_equal(status, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(names_are_docker_s_and_the_kernel_s),
		cmocka_unit_test(default_is_the_documented_set),
		cmocka_unit_test(lists_combine_as_in_docker),
		cmocka_unit_test(mistakes_are_named),
		cmocka_unit_test(format_has_words_for_the_ends),
		cmocka_unit_test(root_holds_exactly_the_mask),
		cmocka_unit_test(others_hold_nothing),
		cmocka_unit_test(a_set_that_was_not_limited_is_noticed),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
