/* base/tree: removal of whole trees. */
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/scope.h"
#include "base/tree.h"

static int make_scratch(void **state)
{
	static char path[] = "/tmp/sandbox-tree-XXXXXX";

	strcpy(path + strlen(path) - 6, "XXXXXX");
	*state = mkdtemp(path);
	return *state && chdir(path) == 0 ? 0 : -1;
}

static int remove_scratch(void **state)
{
	return chdir("/") == 0 && rmdir(*state) == 0 ? 0 : -1;
}

static void touch(const char *path)
{
	int fd = open(path, O_CREAT | O_WRONLY | O_CLOEXEC, 0600);

	assert_true(fd >= 0);
	(void)close(fd);
}

static void files_links_and_directories(void **state)
{
	(void)state;
	assert_int_equal(mkdir("outside", 0700), 0);
	touch("outside/kept");
	assert_int_equal(mkdir("tree", 0700), 0);
	assert_int_equal(mkdir("tree/.removed-0", 0700), 0); /* a name that the removal uses itself */
	touch("tree/.removed-0/file");
	assert_int_equal(mkdir("tree/empty", 0700), 0);
	assert_int_equal(symlink("../outside", "tree/link"), 0);
	assert_int_equal(mkdir("tree/a", 0700), 0);
	assert_int_equal(symlink("../../outside", "tree/a/link"), 0);
	assert_int_equal(mkfifo("tree/a/fifo", 0600), 0);

	assert_int_equal(tree_remove(AT_FDCWD, "tree", NULL), 0);
	assert_int_not_equal(access("tree", F_OK), 0);
	assert_int_equal(access("outside/kept", F_OK), 0);
	assert_int_equal(tree_remove(AT_FDCWD, "outside", NULL), 0);
}

static void very_deep(void **state)
{
	auto_close int top = open(".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	(void)state;
	assert_int_equal(mkdir("deep", 0700), 0);
	assert_int_equal(chdir("deep"), 0);
	for (int i = 0; i < 5000; i++) {
		assert_int_equal(mkdir("directory", 0700), 0);
		touch("file");
		assert_int_equal(chdir("directory"), 0);
	}
	assert_int_equal(fchdir(top), 0);
	assert_int_equal(tree_remove(top, "deep", NULL), 0);
	assert_int_not_equal(access("deep", F_OK), 0);
}

static void missing_is_fine_and_a_file_is_removed(void **state)
{
	(void)state;
	assert_int_equal(tree_remove(AT_FDCWD, "nothing", NULL), 0);
	touch("file");
	assert_int_equal(tree_remove(AT_FDCWD, "file", NULL), 0);
	assert_int_not_equal(access("file", F_OK), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(files_links_and_directories, make_scratch, remove_scratch),
		cmocka_unit_test_setup_teardown(very_deep, make_scratch, remove_scratch),
		cmocka_unit_test_setup_teardown(missing_is_fine_and_a_file_is_removed, make_scratch, remove_scratch),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
