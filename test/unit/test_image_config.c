#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <errno.h>
#include <string.h>

#include "base/json.h"
#include "base/scope.h"
#include "image/config.h"
#include "image/image.h"

static void what_cannot_be_meant_is_refused(void **state)
{
	static const struct {
		enum import_text_kind kind;
		const char *good, *bad;
	} rows[] = {
		{IMPORT_TEXT_ENV, "A=", "=A"}, {IMPORT_TEXT_ENV, "A=b=c", "A"}, {IMPORT_TEXT_ENV, "a.b=\n", "\xff=x"},
		{IMPORT_TEXT_USER, "user", "us er"}, {IMPORT_TEXT_USER, "0:0", "0:0:0"}, {IMPORT_TEXT_USER, "a-b_c$:d", ":d"},
		{IMPORT_TEXT_USER, "1000", "-1"}, {IMPORT_TEXT_USER, "a", "a:-1"}, {IMPORT_TEXT_USER, "a", "\x1b[m"},
		{IMPORT_TEXT_WORKDIR, "/", "."}, {IMPORT_TEXT_WORKDIR, "/a b", "a"}, {IMPORT_TEXT_WORKDIR, "/..", ""},
		{IMPORT_TEXT_STOP_SIGNAL, "SIGRTMIN+3", "SIG TERM"}, {IMPORT_TEXT_PORT, "80/tcp", "80\t"},
		{IMPORT_TEXT_LABEL, "k=v", "=v"}, {IMPORT_TEXT_COMMAND, "", "\xc3"},
	};

	(void)state;
	for (size_t i = 0; i < array_count(rows); i++) {
		auto_finish(image_config_finish) struct image_config config = {.user = NULL};
		struct sandbox_error error = {.text = ""};

		assert_true(image_config_add(&config, rows[i].kind, rows[i].bad, &error) < 0);
		assert_int_equal(error.id, SANDBOX_E_ARCHIVE_HOSTILE);
		assert_int_equal(image_config_add(&config, rows[i].kind, rows[i].good, NULL), 0);
	}
}

static void one_value_is_one(void **state)
{
	auto_finish(image_config_finish) struct image_config config = {.user = NULL};

	(void)state;
	assert_int_equal(image_config_add(&config, IMPORT_TEXT_USER, "a", NULL), 0);
	assert_true(image_config_add(&config, IMPORT_TEXT_USER, "b", NULL) < 0);
	assert_string_equal(config.user, "a");
	assert_int_equal(image_config_add(&config, IMPORT_TEXT_COMMAND, "a", NULL), 0);
	assert_int_equal(image_config_add(&config, IMPORT_TEXT_COMMAND, "b", NULL), 0);
	assert_int_equal(config.command.count, 2);
}

static void a_configuration_survives_the_round_trip(void **state)
{
	auto_finish(image_config_finish) struct image_config config = {.user = NULL}, read = {.user = NULL};
	auto_finish(json_free) struct json_object *object = NULL;

	(void)state;
	assert_int_equal(image_config_add(&config, IMPORT_TEXT_ENV, "A=\xc3\xa4\n\x1b", NULL), 0);
	assert_int_equal(image_config_add(&config, IMPORT_TEXT_ENTRYPOINT, "", NULL), 0);
	assert_int_equal(image_config_add(&config, IMPORT_TEXT_WORKDIR, "/d", NULL), 0);
	object = image_config_describe(&config);
	assert_int_equal(image_config_read(object, "config", &read, NULL), 0);
	assert_string_equal(read.env.items[0], config.env.items[0]);
	assert_int_equal(read.entrypoint.count, 1);
	assert_string_equal(read.workdir, "/d");
	assert_null(read.user);
}

static void choices_are_read_strictly(void **state)
{
	static const char *const bad[] = {
		"", "linux", "linux/", "/amd64", "linux/amd64/", "linux/amd64/v1/", "linux/a b", "a/b/c/d"};
	struct import_choice choice;

	(void)state;
	for (size_t i = 0; i < array_count(bad); i++)
		assert_true(image_choice_read(bad[i], NULL, &choice, NULL) < 0);
	assert_int_equal(image_choice_read("linux/aarch64/v8", "x", &choice, NULL), 0);
	assert_string_equal(choice.architecture, "arm64");
	assert_string_equal(choice.variant, "v8");
	assert_string_equal(choice.reference, "x");
	assert_true(image_choice_read(NULL, "", &choice, NULL) < 0);
	assert_int_equal(image_choice_read(NULL, NULL, &choice, NULL), 0);
	assert_false(image_is_chosen(&choice));
}

/* The same archive with another choice is another image. */
static void choices_make_keys(void **state)
{
	struct import_choice none = {.os = ""}, some = {.os = "linux", .architecture = "arm64"}, other = some;
	struct digest archive, first, second;

	(void)state;
	digest_of("x", 1, &archive);
	image_key(&archive, &none, &first);
	assert_string_equal(first.hex, archive.hex);
	strcpy(other.variant, "v8");
	image_key(&archive, &some, &first);
	image_key(&archive, &other, &second);
	assert_string_not_equal(first.hex, archive.hex);
	assert_string_not_equal(first.hex, second.hex);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_cannot_be_meant_is_refused),
		cmocka_unit_test(one_value_is_one),
		cmocka_unit_test(a_configuration_survives_the_round_trip),
		cmocka_unit_test(choices_are_read_strictly),
		cmocka_unit_test(choices_make_keys),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
