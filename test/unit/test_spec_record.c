/* A spec that was written down is the spec that is read again: whatever an option of `sandbox run` can say. */
#include "runtime/spec_record.h"

#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "base/json.h"
#include "base/memory.h"
#include "base/scope.h"
#include "cli/command.h"
#include "cli/run_options.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
/* After the others: cmocka(3) */
#include <cmocka.h>

static bool is_recorded(size_t offset)
{
	for (size_t i = 0; i < spec_record_count(); i++)
		if (spec_record_offset(i) == offset)
			return true;
	return false;
}

static bool is_of_spec(const struct option_entry *option)
{
	return option->kind != OPTION_HEADING && option->kind != OPTION_ALIAS && option->kind != OPTION_ABSENT &&
		option->offset - offsetof(struct run_options, spec) < sizeof(struct sandbox_spec);
}

static void test_every_option_is_recorded(void **state)
{
	(void)state;
	for (const struct option_entry *option = command_run.options; option->kind != OPTION_END; option++) {
		if (!is_of_spec(option))
			continue;
		if (!is_recorded(option->offset - offsetof(struct run_options, spec)))
			fail_msg("--%s is not in the record of a kept sandbox: runtime/spec_record.c", option->name);
	}
}

/* Something else than the default for each option, as a configuration file would have it. */
static void say(const struct option_entry *option, struct run_options *out)
{
	static const char *const values[] = {
		[OPTION_TEXT] = "some text", [OPTION_OPTIONAL] = "text", [OPTION_LIST] = "a\nlist", [OPTION_UNSIGNED] = "7",
		[OPTION_SIZE] = "3m", [OPTION_DURATION] = "9s",
	};
	struct sandbox_error error = {0};
	const char *value = option->kind < array_count(values) ? values[option->kind] : NULL;

	if (option->kind == OPTION_FLAG)
		value = *((bool *)out + option->offset) ? "false" : "true";
	if (option->kind == OPTION_CHOICE)
		value = option->choices[1];
	if (option_assign(command_run.options, out, option->name, value, "a file", &error) < 0)
		fail_msg("--%s: %s", option->name, error.text);
}

static char *text_of(const struct sandbox_spec *spec)
{
	auto_finish(json_free) struct json_object *object = NULL;
	struct sandbox_error error = {0};

	if (spec_record_describe(spec, &object, &error) < 0)
		fail_msg("%s", error.text);
	return json_text(object);
}

static void test_round(void **state)
{
	auto_finish(run_options_finish) struct run_options options = {.dry_run = false};
	auto_finish(sandbox_spec_finish) struct sandbox_spec again;
	auto_finish(json_free) struct json_object *object = NULL;
	auto_free char *before = NULL, *after = NULL;
	struct sandbox_error error = {0};
	size_t said = 0;

	(void)state;
	sandbox_spec_init(&options.spec);
	for (const struct option_entry *option = command_run.options; option->kind != OPTION_END; option++)
		if (is_of_spec(option) && option->kind != OPTION_GIVEN) {
			say(option, &options);
			said++;
		}
	before = text_of(&options.spec);
	assert_int_equal(json_parse(before, strlen(before), "spec", &object, &error), 0);
	assert_int_equal(spec_record_read(object, "spec", &again, &error), 0);
	after = text_of(&again);
	assert_string_equal(before, after);
	/* What was said is there at all, by its own value. */
	assert_true(said > 60);
	assert_int_equal(again.timeout, 9000);
	assert_int_equal(again.overlay, SANDBOX_OVERLAY_TMPFS);
	assert_false(again.init);
	assert_true(again.read_only);
	assert_string_equal(again.volume.items[0], "a\nlist");
	assert_string_equal(again.limits.memory, "some text");
	assert_string_equal(again.net, "text");
}

static int read_text(const char *text, struct sandbox_error *error)
{
	auto_finish(sandbox_spec_finish) struct sandbox_spec spec;
	auto_finish(json_free) struct json_object *object = NULL;

	assert_int_equal(json_parse(text, strlen(text), "spec", &object, error), 0);
	return spec_record_read(object, "spec", &spec, error);
}

static void test_strictness(void **state)
{
	struct sandbox_error error = {0};

	(void)state;
	assert_int_equal(read_text("{}", &error), 0);
	/* It could be a protection of a later version. */
	assert_int_equal(read_text("{\"confine\": 1}", &error), -EINVAL);
	assert_non_null(strstr(error.text, "spec.confine"));
	assert_true(read_text("{\"read_only\": \"yes\"}", &error) < 0);
	assert_true(read_text("{\"read_only\": 2}", &error) < 0);
	assert_true(read_text("{\"volume\": [1]}", &error) < 0);
	assert_true(read_text("[]", &error) < 0);
}

static void test_bytes_that_json_cannot_hold(void **state)
{
	auto_finish(sandbox_spec_finish) struct sandbox_spec spec;
	auto_finish(json_free) struct json_object *object = NULL;
	struct sandbox_error error = {0};

	(void)state;
	sandbox_spec_init(&spec);
	sandbox_strings_add(&spec.command, "caf\xe9");
	assert_int_equal(spec_record_describe(&spec, &object, &error), -EILSEQ);
	assert_int_equal(error.id, SANDBOX_E_USAGE);
	assert_null(object);
}

static void test_changed_limits(void **state)
{
	struct sandbox_limits said = {0};
	struct sandbox_spec spec;

	(void)state;
	sandbox_spec_init(&spec);
	sandbox_strings_add(&spec.limits.device_read_bps, "/dev/a:1m");
	sandbox_strings_add(&spec.limits.device_read_bps, "/dev/a:b:2m");
	sandbox_strings_add(&said.device_read_bps, "/dev/a:5m");
	spec_record_change_limits(&spec, &said);
	assert_int_equal(spec.limits.device_read_bps.count, 2);
	assert_string_equal(spec.limits.device_read_bps.items[0], "/dev/a:b:2m");
	assert_string_equal(spec.limits.device_read_bps.items[1], "/dev/a:5m");
	/* What is not said stays. */
	sandbox_strings_finish(&said.device_read_bps);
	spec_record_change_limits(&spec, &said);
	assert_int_equal(spec.limits.device_read_bps.count, 2);
	sandbox_spec_finish(&spec);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_every_option_is_recorded),
		cmocka_unit_test(test_round),
		cmocka_unit_test(test_strictness),
		cmocka_unit_test(test_bytes_that_json_cannot_hold),
		cmocka_unit_test(test_changed_limits),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
