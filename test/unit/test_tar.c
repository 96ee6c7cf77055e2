#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <errno.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/scope.h"
#include "image/tar_links.h"
#include "image/tar_sparse.h"
#include "image/tree_tar.h"

enum { PAGE = 4096, PIECES = 20000, GROUP = 10, SMALL_HOLE = PAGE, LARGE_HOLE = 16 * PAGE, MAP_MAX = 16 << 10 };

/* Where a piece of a page begins: small holes are between them, and a large one after every tenth. */
static off_t place_of(int piece)
{
	return (off_t)piece * (PAGE + SMALL_HOLE) + (off_t)(piece / GROUP) * LARGE_HOLE;
}

static int make_file(int pieces)
{
	int fd = memfd_create("sparse", MFD_CLOEXEC);

	assert_true(fd >= 0);
	for (int i = 0; i < pieces; i++)
		assert_int_equal(pwrite(fd, "x", 1, place_of(i)), 1);
	assert_int_equal(ftruncate(fd, place_of(pieces)), 0);
	return fd;
}

static void find(struct tar_sparse *sparse, int fd)
{
	struct stat status;

	assert_int_equal(fstat(fd, &status), 0);
	assert_int_equal(tar_sparse_find(sparse, fd, &status), 0);
	assert_true(sparse->found);
}

/* Every piece lies in one of the extents, which are in their order. */
static void assert_covers(const struct tar_sparse *sparse, int pieces)
{
	size_t at = 0;

	for (int i = 0; i < pieces; i++) {
		uint64_t place = (uint64_t)place_of(i);

		while (at < sparse->count && sparse->items[at].offset + sparse->items[at].size <= place)
			at++;
		assert_true(at < sparse->count);
		assert_true(sparse->items[at].offset <= place);
		assert_true(place + PAGE <= sparse->items[at].offset + sparse->items[at].size);
	}
}

static void few_pieces_are_told_one_by_one(void **state)
{
	auto_finish(tar_sparse_finish) struct tar_sparse sparse = {0};
	auto_close int fd = make_file(100);

	(void)state;
	find(&sparse, fd);
	assert_int_equal(sparse.count, 101);
	assert_covers(&sparse, 100);
}

static void of_more_than_a_map_takes_the_large_holes_stay(void **state)
{
	auto_finish(tar_sparse_finish) struct tar_sparse sparse = {0};
	auto_close int fd = make_file(PIECES);
	uint64_t data = 0;

	(void)state;
	find(&sparse, fd);
	assert_true(sparse.count <= MAP_MAX);
	assert_covers(&sparse, PIECES);
	for (size_t i = 0; i < sparse.count; i++)
		data += sparse.items[i].size;
	/* Without any of the large holes it would be as long as the file. */
	assert_true(data <= (uint64_t)PIECES * (PAGE + SMALL_HOLE));
}

/* Paths are as many and as long as whoever wrote the tree wants them. */
static void names_of_files_are_remembered_up_to_a_bound(void **state)
{
	auto_finish(tar_links_finish) struct tar_links links = {0};
	struct stat status = {.st_ino = 1, .st_nlink = 2};
	const char *first;

	(void)state;
	assert_int_equal(tar_links_find(&links, &status, "one", &first), 0);
	assert_null(first);
	links.bytes = TAR_LINKS_BYTES_MAX - sizeof("two");
	assert_int_equal(tar_links_find(&links, &status, "again", &first), 0);
	assert_string_equal(first, "one");
	status.st_ino = 2;
	assert_int_equal(tar_links_find(&links, &status, "longer", &first), -E2BIG);
	assert_int_equal(tar_links_find(&links, &status, "two", &first), 0);
	assert_null(first);
	status.st_ino = 3;
	assert_int_equal(tar_links_find(&links, &status, "", &first), -E2BIG);
}

/* It had shrunk before its holes were looked for: there is one up to the size that it had. */
static void a_sparse_file_that_was_cut_is_counted(void **state)
{
	auto_close int fd = make_file(GROUP), out = memfd_create("archive", MFD_CLOEXEC);
	auto_finish(tar_finish) struct tar_writer writer;
	struct tree_tar tree = {.writer = &writer, .form = TREE_TAR_LAYER, .root = -1, .base = -1, .prefix = ""};
	struct tree_node node = {.path = "file", .name = "file", .directory = -1, .fd = fd};
	struct tree_tar_counts counts;

	(void)state;
	assert_int_equal(ftruncate(fd, 1 << 20), 0);
	assert_int_equal(fstat(fd, &node.status), 0);
	assert_int_equal(tar_start(&writer, out, false, NULL), 0);
	assert_int_equal(tree_tar_object(&tree, &node, "file", &counts, NULL), 0);
	assert_int_equal(counts.changed, 0);
	assert_int_equal(ftruncate(fd, place_of(GROUP)), 0);
	assert_int_equal(tree_tar_object(&tree, &node, "file", &counts, NULL), 0);
	assert_int_equal(counts.changed, 1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(few_pieces_are_told_one_by_one),
		cmocka_unit_test(of_more_than_a_map_takes_the_large_holes_stay),
		cmocka_unit_test(names_of_files_are_remembered_up_to_a_bound),
		cmocka_unit_test(a_sparse_file_that_was_cut_is_counted),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
