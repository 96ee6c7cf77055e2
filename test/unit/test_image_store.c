#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/file.h"
#include "base/memory.h"
#include "base/scope.h"
#include "base/tree.h"
#include "image/image.h"
#include "image/layer.h"
#include "image/record.h"
#include "image/store.h"

struct fixture {
	char directory[32];
	char *path;
	struct image_store store;
	struct idmap map;
};

static int set_up(void **state)
{
	struct fixture *fixture = memory_zeroed(1, sizeof(*fixture));

	strcpy(fixture->directory, "/tmp/store.XXXXXX");
	assert_non_null(mkdtemp(fixture->directory));
	fixture->path = memory_format("%s/a/b/store", fixture->directory);
	fixture->store = (struct image_store)IMAGE_STORE_INIT;
	idmap_single(&fixture->map, geteuid(), getegid());
	assert_int_equal(image_store_open(fixture->path, &fixture->store, NULL), 0);
	*state = fixture;
	return 0;
}

static int tear_down(void **state)
{
	struct fixture *fixture = *state;

	image_store_finish(&fixture->store);
	assert_int_equal(tree_remove(AT_FDCWD, fixture->directory, NULL), 0);
	free(fixture->path);
	free(fixture);
	return 0;
}

static size_t count_entries(int root, const char *directory)
{
	int fd = file_open_directory(root, directory, NULL);
	auto_closedir DIR *stream = fd < 0 ? NULL : fdopendir(fd);
	struct dirent *item;
	size_t count = 0;

	assert_non_null(stream);
	while ((item = readdir(stream)))
		count += item->d_name[0] != '.';
	return count;
}

static struct digest digest_of_letter(char letter)
{
	struct digest digest;

	memset(digest.hex, letter, sizeof(digest.hex) - 1);
	digest.hex[sizeof(digest.hex) - 1] = '\0';
	return digest;
}

/* Only what there is an image of has names. */
static void record_image(struct fixture *fixture, const struct digest *digest)
{
	const struct image_record record = {.digest = *digest, .source = (char *)"test"};

	assert_int_equal(image_record_save(fixture->store.root, &record, NULL), 0);
}

/* A staged layer with one file in its tree. */
static void stage_layer(struct fixture *fixture, struct staging *out, const char *content)
{
	auto_close int file = -1;

	assert_int_equal(staging_create(&fixture->store, out, NULL), 0);
	assert_int_equal(mkdirat(out->wrapper, "root", 0755), 0);
	file = openat(out->wrapper, "root/file", O_WRONLY | O_CREAT | O_EXCL, 0644);
	assert_true(file >= 0);
	assert_int_equal(write(file, content, strlen(content)), (ssize_t)strlen(content));
}

static mode_t mode_of(const char *path)
{
	struct stat status;

	assert_int_equal(stat(path, &status), 0);
	return status.st_mode & 07777;
}

static void a_new_store_is_closed_to_others_whatever_the_umask(void **state)
{
	static const mode_t masks[] = {0, 022, 0777};
	struct fixture *fixture = *state;

	for (size_t i = 0; i < array_count(masks); i++) {
		auto_free char *path = memory_format("%s/masked%zu", fixture->directory, i);
		auto_free char *layers = memory_format("%s/layers", path);
		auto_free char *images = memory_format("%s/images", path);
		struct image_store store = IMAGE_STORE_INIT;
		mode_t before = umask(masks[i]);
		int result = image_store_open(path, &store, NULL);

		(void)umask(before);
		assert_int_equal(result, 0);
		assert_int_equal(mode_of(path), 0700);
		assert_int_equal(mode_of(layers), 0711);
		assert_int_equal(mode_of(images), 0700);
		image_store_finish(&store);
	}
}

static void a_store_that_others_can_enter_is_refused(void **state)
{
	struct fixture *fixture = *state;
	struct image_store store = IMAGE_STORE_INIT;
	struct sandbox_error error = {0};

	assert_int_equal(chmod(fixture->path, 0755), 0);
	assert_true(image_store_open(fixture->path, &store, &error) < 0);
	assert_int_equal(error.id, SANDBOX_E_HOME_UNUSABLE);
	assert_int_equal(chmod(fixture->path, 0700), 0);
	assert_int_equal(image_store_open(fixture->path, &store, &error), 0);
	image_store_finish(&store);
}

static void names_are_words_and_no_digests(void **state)
{
	static const char *const good[] = {"a", "debian", "debian:12", "my-image_2.0", "abcdef012345-x", "abcdef01234",
		"docker.io/library/debian:12", "localhost:5000/a/b:c"};
	static const char *const bad[] = {"", ".", "..", "-x", "a//b", "/a", "a/", "a/../b", "a/.b", "a%b", "a b",
		"abcdef012345", "sha256:abc", "x\n", "\xc3\xa4"};
	char longest[IMAGE_NAME_MAX + 2];

	(void)state;
	for (size_t i = 0; i < array_count(good); i++)
		assert_true(image_name_is_valid(good[i]));
	for (size_t i = 0; i < array_count(bad); i++)
		assert_false(image_name_is_valid(bad[i]));
	memset(longest, 'x', sizeof(longest));
	longest[IMAGE_NAME_MAX] = '\0';
	assert_true(image_name_is_valid(longest));
	longest[IMAGE_NAME_MAX] = 'x';
	longest[IMAGE_NAME_MAX + 1] = '\0';
	assert_false(image_name_is_valid(longest));
}

static void names_are_set_moved_listed_and_removed(void **state)
{
	struct fixture *fixture = *state;
	struct digest first = digest_of_letter('a'), second = digest_of_letter('b'), found;
	struct sandbox_strings names = {0};

	assert_int_equal(store_name_find(&fixture->store, "one", &found), -ENOENT);
	assert_int_equal(store_name_set(&fixture->store, "two", &first, NULL), -ENOENT);
	assert_int_equal(store_name_find(&fixture->store, "two", &found), -ENOENT);
	record_image(fixture, &first);
	record_image(fixture, &second);
	assert_int_equal(store_name_set(&fixture->store, "two", &first, NULL), 0);
	assert_int_equal(store_name_set(&fixture->store, "one", &first, NULL), 0);
	assert_int_equal(store_name_set(&fixture->store, "other", &second, NULL), 0);
	assert_int_equal(store_names_of(&fixture->store, &first, &names, NULL), 0);
	assert_int_equal(names.count, 2);
	assert_string_equal(names.items[0], "one");
	assert_string_equal(names.items[1], "two");
	sandbox_strings_finish(&names);

	assert_int_equal(store_name_set(&fixture->store, "one", &second, NULL), 0);
	assert_int_equal(store_name_find(&fixture->store, "one", &found), 0);
	assert_string_equal(found.hex, second.hex);
	assert_int_equal(store_name_remove(&fixture->store, "one", NULL), 0);
	assert_int_equal(store_name_find(&fixture->store, "one", &found), -ENOENT);
	assert_true(store_name_set(&fixture->store, "../images/x", &first, NULL) < 0);
}

/* Or gc would take an image for one without a name. */
static void a_name_that_cannot_be_read_is_an_error(void **state)
{
	struct fixture *fixture = *state;
	struct store_names names = {0};
	struct digest found;

	assert_int_equal(symlinkat("loop", fixture->store.root, "names/loop"), 0);
	assert_int_equal(store_name_find(&fixture->store, "loop", &found), -ELOOP);
	assert_int_equal(store_names_load(&fixture->store, &names, NULL), -ELOOP);
}

static void a_name_given_with_its_record_brings_a_removed_image_back(void **state)
{
	struct fixture *fixture = *state;
	const struct image_record record = {.digest = digest_of_letter('a'), .source = (char *)"test"};
	const struct store_name change = {(char *)"one", record.digest, &record};
	struct digest found;

	assert_int_equal(store_names_change(&fixture->store, &change, 1, NULL), 0);
	assert_true(image_record_exists(fixture->store.root, record.digest.hex));
	assert_int_equal(store_name_find(&fixture->store, "one", &found), 0);
}

/* What could not be read again would keep everybody from changing names for ever. */
static void more_names_at_once_than_can_be_written_down_are_an_error(void **state)
{
	enum { COUNT = 5000 };
	struct fixture *fixture = *state;
	struct digest digest = digest_of_letter('a'), found;
	struct store_name *changes = memory_zeroed(COUNT, sizeof(*changes));
	struct sandbox_error error = {0};

	record_image(fixture, &digest);
	for (size_t i = 0; i < COUNT; i++)
		changes[i] = (struct store_name){.name = memory_format("n%0200zu", i), .digest = digest};
	assert_int_equal(store_names_change(&fixture->store, changes, COUNT, &error), -E2BIG);
	assert_int_equal(error.id, SANDBOX_E_ARCHIVE_LIMIT);
	assert_int_equal(store_name_find(&fixture->store, changes[0].name, &found), -ENOENT);
	assert_int_equal(store_name_set(&fixture->store, "one", &digest, NULL), 0);
	/* To remove as many is no matter. */
	for (size_t i = 0; i < COUNT; i++)
		changes[i].digest.hex[0] = '\0';
	assert_int_equal(store_names_change(&fixture->store, changes, COUNT, &error), 0);
	for (size_t i = 0; i < COUNT; i++)
		free(changes[i].name);
	free(changes);
}

static void a_published_layer_is_whole_and_leased(void **state)
{
	struct fixture *fixture = *state;
	struct digest diff = digest_of_letter('a');
	struct staging staging = STAGING_INIT;
	struct layer_lease lease, again;
	char name[LAYER_NAME_SIZE];

	layer_name(&diff, &fixture->map, name);
	stage_layer(fixture, &staging, "content");
	assert_int_equal(layer_lease(&fixture->store, name, false, &again, NULL), -ENOENT);
	assert_int_equal(layer_publish(&fixture->store, &diff, &fixture->map, &staging, &lease, NULL), 0);
	assert_int_equal(faccessat(lease.wrapper, "root/file", F_OK, 0), 0);
	assert_int_equal(count_entries(fixture->store.root, "staging"), 0);
	assert_int_equal(layer_lease(&fixture->store, name, false, &again, NULL), 0);
	(void)close(again.wrapper);
	(void)close(lease.wrapper);
}

static void a_leased_layer_cannot_be_removed(void **state)
{
	struct fixture *fixture = *state;
	struct digest diff = digest_of_letter('a');
	struct staging staging = STAGING_INIT;
	struct sandbox_error error = {0};
	struct layer_lease lease;
	char name[LAYER_NAME_SIZE];

	layer_name(&diff, &fixture->map, name);
	stage_layer(fixture, &staging, "content");
	assert_int_equal(layer_publish(&fixture->store, &diff, &fixture->map, &staging, &lease, NULL), 0);
	assert_int_equal(layer_remove(&fixture->store, name, &fixture->map, &error), -EBUSY);
	assert_int_equal(error.id, SANDBOX_E_IMAGE_IN_USE);
	assert_int_equal(image_store_reset(&fixture->store, &fixture->map, &error), -EBUSY);
	assert_int_equal(faccessat(lease.wrapper, "root/file", F_OK, 0), 0);
	(void)close(lease.wrapper);
	assert_int_equal(layer_remove(&fixture->store, name, &fixture->map, NULL), 0);
	assert_int_equal(count_entries(fixture->store.root, "layers"), 0);
	assert_int_equal(count_entries(fixture->store.root, "staging"), 0);
}

static void the_second_of_two_equal_layers_gives_way(void **state)
{
	struct fixture *fixture = *state;
	struct digest diff = digest_of_letter('a');
	struct staging first = STAGING_INIT, second = STAGING_INIT;
	struct layer_lease one, two;
	struct stat left, right;

	stage_layer(fixture, &first, "content");
	stage_layer(fixture, &second, "content");
	assert_int_equal(layer_publish(&fixture->store, &diff, &fixture->map, &first, &one, NULL), 0);
	assert_int_equal(layer_publish(&fixture->store, &diff, &fixture->map, &second, &two, NULL), 0);
	assert_int_equal(fstat(one.wrapper, &left), 0);
	assert_int_equal(fstat(two.wrapper, &right), 0);
	assert_int_equal(left.st_ino, right.st_ino);
	assert_int_equal(count_entries(fixture->store.root, "layers"), 1);
	assert_int_equal(count_entries(fixture->store.root, "staging"), 0);
	(void)close(one.wrapper);
	(void)close(two.wrapper);
}

static void write_layer_record(int wrapper, const struct digest *diff, const char *boot)
{
	struct boot_identity identity;

	boot_identity_read(&identity);
	if (boot)
		(void)snprintf(identity.boot, sizeof(identity.boot), "%s", boot);
	assert_int_equal(layer_record_save(wrapper, diff, &identity, NULL), 0);
}

/* Another boot of this machine, and no mark: a power cut may have come before the data was on the disk. */
static void a_layer_of_another_boot_needs_the_durable_mark(void **state)
{
	struct fixture *fixture = *state;
	struct digest diff = digest_of_letter('a');
	struct staging staging = STAGING_INIT, replacement = STAGING_INIT;
	struct layer_lease lease;
	char name[LAYER_NAME_SIZE];

	layer_name(&diff, &fixture->map, name);
	stage_layer(fixture, &staging, "lost");
	assert_int_equal(layer_publish(&fixture->store, &diff, &fixture->map, &staging, &lease, NULL), 0);
	assert_false(lease.durable);
	write_layer_record(lease.wrapper, &diff, "another-boot");
	(void)close(lease.wrapper);
	assert_int_equal(layer_lease(&fixture->store, name, false, &lease, NULL), -ENOENT);

	/* It does not stand in the way of a new import. */
	stage_layer(fixture, &replacement, "whole");
	assert_int_equal(layer_publish(&fixture->store, &diff, &fixture->map, &replacement, &lease, NULL), 0);
	assert_int_equal(layers_make_durable(&lease.wrapper, 1, NULL), 0);
	write_layer_record(lease.wrapper, &diff, "another-boot");
	(void)close(lease.wrapper);
	assert_int_equal(layer_lease(&fixture->store, name, false, &lease, NULL), 0);
	assert_true(lease.durable);
	(void)close(lease.wrapper);
}

static void a_layer_without_its_record_is_not_trusted(void **state)
{
	struct fixture *fixture = *state;
	struct digest diff = digest_of_letter('a');
	struct staging staging = STAGING_INIT;
	struct layer_lease lease;
	char name[LAYER_NAME_SIZE];

	layer_name(&diff, &fixture->map, name);
	stage_layer(fixture, &staging, "content");
	assert_int_equal(layer_publish(&fixture->store, &diff, &fixture->map, &staging, &lease, NULL), 0);
	assert_int_equal(ftruncate(openat(lease.wrapper, "layer.json", O_WRONLY | O_CLOEXEC), 0), 0);
	(void)close(lease.wrapper);
	assert_int_equal(layer_lease(&fixture->store, name, false, &lease, NULL), -ENOENT);
}

/* A child makes a staging directory and a record in the making, and dies or lives on as `survive` says. */
static pid_t leave_staging(struct fixture *fixture, bool survive, int *out_pipe)
{
	int ends[2];
	pid_t child;
	char byte;

	assert_int_equal(pipe2(ends, O_CLOEXEC), 0);
	child = fork();
	if (child == 0) {
		struct staging staging = STAGING_INIT;

		stage_layer(fixture, &staging, "half");
		(void)close(ends[0]);
		if (write(ends[1], "x", 1) != 1 || !survive)
			_exit(0);
		(void)pause();
		_exit(0);
	}
	(void)close(ends[1]);
	assert_int_equal(read(ends[0], &byte, 1), 1);
	*out_pipe = ends[0];
	return child;
}

static void the_sweep_takes_what_the_dead_left_and_nothing_else(void **state)
{
	struct fixture *fixture = *state;
	int first, second;
	pid_t dead = leave_staging(fixture, false, &first), alive = leave_staging(fixture, true, &second);

	assert_int_equal(waitpid(dead, NULL, 0), dead);
	assert_int_equal(mknodat(fixture->store.root, "staging/99999-1", S_IFREG | 0600, 0), 0);
	assert_int_equal(count_entries(fixture->store.root, "staging"), 3);
	assert_int_equal(store_sweep(&fixture->store, &fixture->map, NULL), 0);
	assert_int_equal(count_entries(fixture->store.root, "staging"), 1);

	assert_int_equal(kill(alive, SIGKILL), 0);
	assert_int_equal(waitpid(alive, NULL, 0), alive);
	assert_int_equal(store_sweep(&fixture->store, &fixture->map, NULL), 0);
	assert_int_equal(count_entries(fixture->store.root, "staging"), 0);
	(void)close(first);
	(void)close(second);
}

static void one_at_a_time_has_the_lock_of_an_archive(void **state)
{
	struct fixture *fixture = *state;
	struct stat status = {.st_dev = 1, .st_ino = 2};
	int lock = store_lock_archive(&fixture->store, &status, NULL, NULL), status_of_child;
	pid_t child;

	assert_true(lock >= 0);
	child = fork();
	if (child == 0) {
		/* Released by the death of its holder or by unlocking, never before. */
		int fd = openat(fixture->store.root, "staging/1-2.lock", O_RDWR | O_CLOEXEC);

		_exit(fd >= 0 && flock(fd, LOCK_EX | LOCK_NB) < 0 && errno == EWOULDBLOCK ? 0 : 1);
	}
	assert_int_equal(waitpid(child, &status_of_child, 0), child);
	assert_int_equal(status_of_child, 0);
	store_unlock_archive(&fixture->store, &status, &lock);
	assert_int_equal(lock, -1);
	assert_int_equal(count_entries(fixture->store.root, "staging"), 0);
}

static void an_image_record_survives_the_round_trip(void **state)
{
	struct fixture *fixture = *state;
	struct digest diffs[] = {digest_of_letter('b'), digest_of_letter('d')};
	struct digest trees[] = {digest_of_letter('c'), digest_of_letter('e')};
	struct image_record written = {.digest = digest_of_letter('a'),
		.source = memory_text("debian \"12\" \xff.tar"), .compression = "zstd", .created = 1700000000,
		.counts = {.archive_bytes = UINT64_MAX, .stream_bytes = 2, .entries = 3, .owners_dropped = 4}}, read = {0};

	for (size_t i = 0; i < array_count(diffs); i++)
		image_record_add_layer(&written, &diffs[i], &trees[i], i == 1);
	assert_int_equal(image_record_save(fixture->store.root, &written, NULL), 0);
	assert_int_equal(image_record_load(fixture->store.root, written.digest.hex, &read, NULL), 0);
	assert_int_equal(read.layer_count, 2);
	for (size_t i = 0; i < 2; i++) {
		assert_string_equal(read.layers[i].diff.hex, diffs[i].hex);
		assert_string_equal(read.layers[i].tree.hex, trees[i].hex);
		assert_int_equal(read.layers[i].opaque, i == 1);
	}
	assert_string_equal(read.compression, "zstd");
	assert_int_equal(read.created, written.created);
	assert_memory_equal(&read.counts, &written.counts, sizeof(read.counts));
	image_record_finish(&read);
	image_record_finish(&written);
}

/* As written before images had layers. */
static void a_record_of_the_first_version_has_one_layer(void **state)
{
	struct fixture *fixture = *state;
	struct digest digest = digest_of_letter('a'), diff = digest_of_letter('b');
	auto_free char *path = memory_format("images/%s.json", digest.hex);
	auto_free char *text = memory_format("{\"version\": 1, \"digest\": \"%s\", \"diff_id\": \"%s\", \"source\": \"x\","
		"\"compression\": \"none\", \"created\": 5, \"counts\": {\"archive_bytes\": 1, \"stream_bytes\": 1,"
		"\"apparent_bytes\": 1, \"entries\": 1, \"files\": 1, \"directories\": 1, \"symlinks\": 1, \"hard_links\": 1,"
		"\"fifos\": 1, \"devices_skipped\": 1, \"attributes_dropped\": 1, \"owners_dropped\": 1}}", digest.hex, diff.hex);
	struct image_record record = {0};

	assert_int_equal(staging_replace_file(fixture->store.root, path, text, strlen(text), false, NULL), 0);
	assert_int_equal(image_record_load(fixture->store.root, digest.hex, &record, NULL), 0);
	assert_int_equal(record.layer_count, 1);
	assert_string_equal(record.layers[0].diff.hex, diff.hex);
	assert_string_equal(record.layers[0].tree.hex, diff.hex);
	image_record_finish(&record);
}

static void a_damaged_image_record_is_an_error_and_an_empty_one_is_absent(void **state)
{
	static const char *const contents[] = {"", "{", "{}", "{\"version\": 3}", "{\"version\": 1, \"digest\": 5}"};
	const int expected[] = {-ENOENT, -EUCLEAN, -EUCLEAN, -EUCLEAN, -EUCLEAN};
	struct fixture *fixture = *state;
	struct digest digest = digest_of_letter('a');
	struct image_records records = {0};
	struct image_record record = {0};
	auto_free char *path = memory_format("images/%s.json", digest.hex);

	for (size_t i = 0; i < array_count(contents); i++) {
		assert_int_equal(staging_replace_file(fixture->store.root, path, contents[i], strlen(contents[i]), false,
			NULL), 0);
		assert_int_equal(image_record_load(fixture->store.root, digest.hex, &record, NULL), expected[i]);
	}
	assert_int_equal(image_records_load(fixture->store.root, &records, NULL), 0);
	assert_int_equal(records.count, 0);
	assert_int_equal(records.damaged.count, 1);
	assert_string_equal(records.damaged.items[0], digest.hex);
	assert_int_equal(image_records_check(&records, NULL), -EUCLEAN);
	image_records_finish(&records);
	/* As some file systems leave it. */
	assert_int_equal(staging_replace_file(fixture->store.root, path, "\0\0\0", 3, false, NULL), 0);
	assert_int_equal(image_record_load(fixture->store.root, digest.hex, &record, NULL), -ENOENT);
}

static void a_record_under_another_name_is_not_believed(void **state)
{
	struct fixture *fixture = *state;
	struct image_record record = {.digest = digest_of_letter('a'),
		.source = memory_text("x"), .compression = "none"}, read = {0};
	struct digest other = digest_of_letter('c'), diff = digest_of_letter('b');
	auto_free char *from = memory_format("images/%s.json", record.digest.hex);
	auto_free char *to = memory_format("images/%s.json", other.hex);

	image_record_add_layer(&record, &diff, &diff, false);
	assert_int_equal(image_record_save(fixture->store.root, &record, NULL), 0);
	assert_int_equal(renameat(fixture->store.root, from, fixture->store.root, to), 0);
	assert_int_equal(image_record_load(fixture->store.root, other.hex, &read, NULL), -EUCLEAN);
	image_record_finish(&record);
}

static void reset_leaves_nothing(void **state)
{
	struct fixture *fixture = *state;
	struct digest diff = digest_of_letter('a');
	struct staging staging = STAGING_INIT;
	struct layer_lease lease;
	int pipe;
	pid_t dead = leave_staging(fixture, false, &pipe);

	assert_int_equal(waitpid(dead, NULL, 0), dead);
	stage_layer(fixture, &staging, "content");
	assert_int_equal(layer_publish(&fixture->store, &diff, &fixture->map, &staging, &lease, NULL), 0);
	(void)close(lease.wrapper);
	record_image(fixture, &diff);
	assert_int_equal(store_name_set(&fixture->store, "one", &diff, NULL), 0);
	assert_int_equal(image_store_reset(&fixture->store, &fixture->map, NULL), 0);
	assert_int_equal(access(fixture->path, F_OK), -1);
	assert_int_equal(errno, ENOENT);
	(void)close(pipe);
}

#define STORE_TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		STORE_TEST(a_new_store_is_closed_to_others_whatever_the_umask),
		STORE_TEST(a_store_that_others_can_enter_is_refused),
		cmocka_unit_test(names_are_words_and_no_digests),
		STORE_TEST(names_are_set_moved_listed_and_removed),
		STORE_TEST(a_name_that_cannot_be_read_is_an_error),
		STORE_TEST(a_name_given_with_its_record_brings_a_removed_image_back),
		STORE_TEST(more_names_at_once_than_can_be_written_down_are_an_error),
		STORE_TEST(a_published_layer_is_whole_and_leased),
		STORE_TEST(a_leased_layer_cannot_be_removed),
		STORE_TEST(the_second_of_two_equal_layers_gives_way),
		STORE_TEST(a_layer_of_another_boot_needs_the_durable_mark),
		STORE_TEST(a_layer_without_its_record_is_not_trusted),
		STORE_TEST(the_sweep_takes_what_the_dead_left_and_nothing_else),
		STORE_TEST(one_at_a_time_has_the_lock_of_an_archive),
		STORE_TEST(an_image_record_survives_the_round_trip),
		STORE_TEST(a_record_of_the_first_version_has_one_layer),
		STORE_TEST(a_damaged_image_record_is_an_error_and_an_empty_one_is_absent),
		STORE_TEST(a_record_under_another_name_is_not_believed),
		STORE_TEST(reset_leaves_nothing),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
