#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/memory.h"
#include "base/scope.h"
#include "base/tree.h"
#include "image/identity.h"
#include "image/store.h"

struct fixture {
	char directory[32];
	struct image_store store;
};

static int set_up(void **state)
{
	struct fixture *fixture = memory_zeroed(1, sizeof(*fixture));
	auto_free char *path = NULL;

	strcpy(fixture->directory, "/tmp/identity.XXXXXX");
	assert_non_null(mkdtemp(fixture->directory));
	path = memory_format("%s/store", fixture->directory);
	fixture->store = (struct image_store)IMAGE_STORE_INIT;
	assert_int_equal(image_store_open(path, &fixture->store, NULL), 0);
	*state = fixture;
	return 0;
}

static int tear_down(void **state)
{
	struct fixture *fixture = *state;

	image_store_finish(&fixture->store);
	assert_int_equal(tree_remove(AT_FDCWD, fixture->directory, NULL), 0);
	free(fixture);
	return 0;
}

static struct stat sample(void)
{
	struct stat status = {.st_dev = 0xfe00, .st_ino = 4711, .st_size = 1000, .st_mode = S_IFREG | 0644};

	status.st_mtim = (struct timespec){100, 5};
	status.st_ctim = (struct timespec){100, 7};
	return status;
}

static struct digest digest_of_letter(char letter)
{
	struct digest digest;

	memset(digest.hex, letter, sizeof(digest.hex) - 1);
	digest.hex[sizeof(digest.hex) - 1] = '\0';
	return digest;
}

static void a_recorded_file_is_found(void **state)
{
	struct fixture *fixture = *state;
	struct digest written = digest_of_letter('a'), found;
	struct stat status = sample();

	assert_int_equal(identity_find(fixture->store.root, &status, &found), -ENOENT);
	assert_int_equal(identity_record(fixture->store.root, &status, &written, NULL), 0);
	assert_int_equal(identity_find(fixture->store.root, &status, &found), 0);
	assert_string_equal(found.hex, written.hex);
}

/* Each part of the identity counts: a file that differs in one of them is another file. */
static void any_difference_makes_it_unknown(void **state)
{
	struct fixture *fixture = *state;
	struct digest digest = digest_of_letter('a');
	struct stat status = sample();
	void *const fields[] = {&status.st_dev, &status.st_ino, &status.st_size, &status.st_mtim.tv_sec,
		&status.st_mtim.tv_nsec, &status.st_ctim.tv_sec, &status.st_ctim.tv_nsec};

	assert_int_equal(identity_record(fixture->store.root, &status, &digest, NULL), 0);
	for (size_t i = 0; i < array_count(fields); i++) {
		*(uint64_t *)fields[i] += 1;
		assert_int_equal(identity_find(fixture->store.root, &status, &digest), -ENOENT);
		*(uint64_t *)fields[i] -= 1;
		assert_int_equal(identity_find(fixture->store.root, &status, &digest), 0);
	}
}

static void a_file_is_settled_two_seconds_after_its_last_change(void **state)
{
	static const struct {
		struct timespec started;
		bool settled;
	} rows[] = {
		{{100, 7}, false}, {{101, 999999999}, false}, {{102, 6}, false}, {{102, 7}, true}, {{103, 0}, true},
		{{99, 0}, false}, /* a clock that was set back, or a file from the future */
	};
	struct stat before = sample(), after = sample();

	(void)state;
	for (size_t i = 0; i < array_count(rows); i++)
		assert_int_equal(identity_is_settled(&before, &after, &rows[i].started), rows[i].settled);
}

static void a_file_that_changed_while_it_was_read_is_not_settled(void **state)
{
	static const struct timespec late = {10000, 0};
	struct stat before = sample(), after = sample();

	(void)state;
	after.st_mtim.tv_nsec++;
	assert_false(identity_is_settled(&before, &after, &late));
	after = before;
	after.st_size++;
	assert_false(identity_is_settled(&before, &after, &late));
	after = before;
	after.st_ino++;
	assert_false(identity_is_settled(&before, &after, &late));
}

static void forgetting_a_digest_leaves_the_others(void **state)
{
	struct fixture *fixture = *state;
	struct digest first = digest_of_letter('a'), second = digest_of_letter('b'), found;
	struct stat one = sample(), two = sample();

	two.st_ino++;
	assert_int_equal(identity_record(fixture->store.root, &one, &first, NULL), 0);
	assert_int_equal(identity_record(fixture->store.root, &two, &second, NULL), 0);
	assert_int_equal(identity_forget(fixture->store.root, &first, NULL), 0);
	assert_int_equal(identity_find(fixture->store.root, &one, &found), -ENOENT);
	assert_int_equal(identity_find(fixture->store.root, &two, &found), 0);
	assert_string_equal(found.hex, second.hex);
}

/* What a crash or a curious hand made of an index file is as good as no file. */
static void a_damaged_entry_counts_as_unknown(void **state)
{
	static const char *const contents[] = {"", "{", "[]", "{\"identity\": 1, \"digest\": \"x\"}",
		"{\"identity\": \"1000 bytes, mtime 100.000000005, ctime 100.000000007\", \"digest\": \"abc\"}"};
	struct fixture *fixture = *state;
	struct digest digest = digest_of_letter('a');
	struct stat status = sample();

	for (size_t i = 0; i < array_count(contents); i++) {
		assert_int_equal(staging_replace_file(fixture->store.root, "archives/fe00-1267.json", contents[i],
			strlen(contents[i]), false, NULL), 0);
		assert_int_equal(identity_find(fixture->store.root, &status, &digest), -ENOENT);
	}
	/* The name was the right one: the same file, healed, is found. */
	assert_int_equal(identity_record(fixture->store.root, &status, &digest, NULL), 0);
	assert_int_equal(faccessat(fixture->store.root, "archives/fe00-1267.json", F_OK, 0), 0);
	assert_int_equal(identity_find(fixture->store.root, &status, &digest), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(a_recorded_file_is_found, set_up, tear_down),
		cmocka_unit_test_setup_teardown(any_difference_makes_it_unknown, set_up, tear_down),
		cmocka_unit_test(a_file_is_settled_two_seconds_after_its_last_change),
		cmocka_unit_test(a_file_that_changed_while_it_was_read_is_not_settled),
		cmocka_unit_test_setup_teardown(forgetting_a_digest_leaves_the_others, set_up, tear_down),
		cmocka_unit_test_setup_teardown(a_damaged_entry_counts_as_unknown, set_up, tear_down),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
