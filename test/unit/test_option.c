/* cli/option: every kind of option, in every spelling, and every way to get it wrong. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/scope.h"
#include "base/strings.h"
#include "cli/option.h"

struct target {
	bool flag;
	char *text;
	struct sandbox_strings list;
	uint64_t number, size, duration;
	int choice;
	char *mode;
	struct sandbox_strings given;
};

static const char *const choices[] = {"red", "green", NULL};
static const char *const modes[] = {"fast", "slow", NULL};
static const char *const foreign_modes[] = {"wild", NULL};

#define FIELD(name) offsetof(struct target, name)
static const struct option_entry table[] = {
	{OPTION_HEADING, .help = "All"},
	{OPTION_FLAG, "flag", 'f', NULL, "", FIELD(flag)},
	{OPTION_TEXT, "text", 't', "TEXT", "", FIELD(text)},
	{OPTION_LIST, "list", 'l', "ITEM", "", FIELD(list)},
	{OPTION_UNSIGNED, "number", 0, "N", "", FIELD(number)},
	{OPTION_SIZE, "size", 0, "SIZE", "", FIELD(size)},
	{OPTION_DURATION, "duration", 0, "TIME", "", FIELD(duration)},
	{OPTION_CHOICE, "choice", 0, "COLOUR", "", FIELD(choice), choices},
	{OPTION_OPTIONAL, "mode", 0, "fast|slow", "", FIELD(mode), modes, foreign_modes},
	{OPTION_ALIAS, "manner", .argument = "mode"},
	{OPTION_ABSENT, "elsewhere", 'e', .help = "do without"},
	{OPTION_GIVEN, .offset = FIELD(given)},
	{OPTION_END},
};

static void target_finish(struct target *target)
{
	free(target->text);
	free(target->mode);
	sandbox_strings_finish(&target->list);
	sandbox_strings_finish(&target->given);
}

/* `line` is cut at spaces. */
static int parse(const char *line, struct target *target, int *out_operands, struct sandbox_error *error)
{
	char copy[200], *words[20], *rest = copy;
	int count = 0;

	strcpy(copy, line);
	while (count < 20 && (words[count] = strsep(&rest, " ")))
		count++;
	return options_parse(table, target, count, words, out_operands, error);
}

static void every_spelling(void **state)
{
	auto_finish(target_finish) struct target target = {0};
	int operands = 0;

	(void)state;
	assert_int_equal(parse("x --flag --text=a -tb --list 1 -l 2 -l=3 --number 7 --size 1.5k --duration 1m30s "
		"--choice green image --flag=false", &target, &operands, NULL), 0);
	assert_true(target.flag);
	assert_string_equal(target.text, "b");
	assert_int_equal(target.list.count, 3);
	assert_string_equal(target.list.items[2], "3");
	assert_int_equal(target.number, 7);
	assert_int_equal(target.size, 1536);
	assert_int_equal(target.duration, 90000);
	assert_int_equal(target.choice, 1);
	assert_int_equal(operands, 17);
}

static void flags_take_a_word_only_with_an_equals_sign(void **state)
{
	auto_finish(target_finish) struct target target = {.flag = true};
	int operands = 0;

	(void)state;
	assert_int_equal(parse("x --flag=false false", &target, &operands, NULL), 0);
	assert_false(target.flag);
	assert_int_equal(operands, 2);
	assert_int_equal(parse("x -f=false", &target, &operands, NULL), 0);
	assert_false(target.flag);
	assert_int_equal(operands, 2);
	assert_int_equal(parse("x -f=true image", &target, &operands, NULL), 0);
	assert_true(target.flag);
	assert_int_equal(operands, 2);
	assert_int_equal(parse("x -ftword", &target, &operands, NULL), 0);
	assert_true(target.flag);
	assert_string_equal(target.text, "word");
}

static void a_value_that_can_be_left_out(void **state)
{
	static const struct {
		const char *line, *value;
		int operands;
	} rows[] = {
		{"x --mode", "fast", 2},
		{"x --mode image", "fast", 2},
		{"x --mode slow image", "slow", 3},
		{"x --mode slow:down image", "slow:down", 3},
		{"x --mode slower", "fast", 2},
		{"x --mode wild image", "wild", 3},
		{"x --mode=anything slow", "anything", 2},
		{"x --mode --flag slow", "fast", 3},
		{"x --mode -- slow", "fast", 3},
		{"x --manner slow image", "slow", 3},
		{"x --manner=slow", "slow", 2},
	};

	(void)state;
	for (size_t i = 0; i < array_count(rows); i++) {
		auto_finish(target_finish) struct target target = {0};
		int operands;

		assert_int_equal(parse(rows[i].line, &target, &operands, NULL), 0);
		assert_string_equal(target.mode, rows[i].value);
		assert_int_equal(operands, rows[i].operands);
		/* Both names are one option. */
		assert_string_equal(strings_variable(&target.given, "mode"), "--mode");
	}
}

static void where_options_end(void **state)
{
	auto_finish(target_finish) struct target target = {0};
	int operands = 0;

	(void)state;
	assert_int_equal(parse("x -f -- --text", &target, &operands, NULL), 0);
	assert_int_equal(operands, 3);
	assert_int_equal(parse("x - --text", &target, &operands, NULL), 0);
	assert_int_equal(operands, 1);
	assert_int_equal(parse("x", &target, &operands, NULL), 0);
	assert_int_equal(operands, 1);
	assert_int_equal(parse("x -f --help", &target, &operands, NULL), 0);
	assert_int_equal(operands, OPTIONS_HELP);
	assert_int_equal(parse("x -f -h", &target, &operands, NULL), 0);
	assert_int_equal(operands, OPTIONS_HELP);
	/* Where it has another meaning it has that one. */
	assert_true(option_is_help(table, "-h"));
	assert_false(option_is_help(table, "-f"));
	assert_false(option_is_help((const struct option_entry[]){{OPTION_TEXT, "hostname", 'h', "NAME"}, {OPTION_END}}, "-h"));
}

static void mistakes(void **state)
{
	static const struct {
		const char *line;
		const char *says;
	} rows[] = {
		{"x --unknown", "unknown option --unknown"},
		{"x --fla", "unknown option --fla"},
		{"x -fz", "unknown option -z in -fz"},
		{"x --text", "--text needs TEXT"},
		{"x -l", "-l (--list) needs ITEM"},
		{"x --flag=yes", "neither true nor false"},
		{"x -f=yes", "--flag: \"yes\" is neither true nor false"},
		{"x --number -1", "not a number"},
		{"x --number=", "not a number"},
		{"x --size 1x", "not a size"},
		{"x --duration soon", "not a duration"},
		{"x --choice blue", "not one of its values"},
		{"x --elsewhere", "there is no option --elsewhere"},
		{"x --elsewhere=a", "there is no option --elsewhere"},
		{"x -fe", "there is no option --elsewhere"},
	};

	(void)state;
	for (size_t i = 0; i < array_count(rows); i++) {
		auto_finish(target_finish) struct target target = {0};
		struct sandbox_error error = {0};
		int operands;

		assert_int_equal(parse(rows[i].line, &target, &operands, &error), -EINVAL);
		assert_int_equal(error.id, SANDBOX_E_USAGE);
		if (!strstr(error.text, rows[i].says))
			fail_msg("%s: %s", rows[i].line, error.text);
	}
}

static void what_is_meant(void **state)
{
	static const struct {
		const char *line;
		const char *fix; /* "" for none */
	} rows[] = {
		{"x --fla", "did you mean --flag?"},
		{"x --falg", "did you mean --flag?"},
		{"x --txt=a", "did you mean --text?"},
		{"x --dur", "did you mean --duration?"},
		{"x --chioce red", "did you mean --choice?"},
		{"x -zist", "did you mean --list?"}, /* one dash too few */
		{"x -list", "did you mean --list?"},
		{"x --nothing-like-it", ""},
		{"x --xyz", ""},
		{"x --elsewere", ""}, /* what there is not is never proposed */
	};

	(void)state;
	for (size_t i = 0; i < array_count(rows); i++) {
		auto_finish(target_finish) struct target target = {0};
		struct sandbox_error error = {0};
		int operands;

		assert_int_equal(parse(rows[i].line, &target, &operands, &error), -EINVAL);
		assert_string_equal(error.fix, rows[i].fix);
	}
}

static void assigned_outside_of_a_command_line(void **state)
{
	auto_finish(target_finish) struct target target = {0};
	struct sandbox_error error = {0};
	int operands;

	(void)state;
	assert_int_equal(option_assign(table, &target, "flag", NULL, "config", NULL), 0);
	assert_true(target.flag);
	assert_int_equal(option_assign(table, &target, "list", "a", "config", NULL), 0);
	assert_int_equal(option_assign(table, &target, "text", "a", "config", NULL), 0);
	assert_int_equal(option_assign(table, &target, "text", NULL, "config", &error), -EINVAL);
	assert_string_equal(error.text, "--text needs TEXT");
	assert_int_equal(option_assign(table, &target, "size", "much", "config", &error), -EINVAL);
	assert_string_equal(strings_variable(&target.given, "list"), "config");
	assert_null(strings_variable(&target.given, "size"));

	assert_int_equal(parse("x --list b --list c --text=b", &target, &operands, NULL), 0);
	assert_int_equal(target.list.count, 3);
	assert_string_equal(strings_variable(&target.given, "list"), "config, --list");
	assert_string_equal(strings_variable(&target.given, "text"), "--text");
	assert_string_equal(strings_variable(&target.given, "flag"), "config");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_spelling),
		cmocka_unit_test(flags_take_a_word_only_with_an_equals_sign),
		cmocka_unit_test(a_value_that_can_be_left_out),
		cmocka_unit_test(where_options_end),
		cmocka_unit_test(mistakes),
		cmocka_unit_test(what_is_meant),
		cmocka_unit_test(assigned_outside_of_a_command_line),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
