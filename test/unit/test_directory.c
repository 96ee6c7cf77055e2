/* base/directory: all names of a directory, or an error. */
#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/directory.h"
#include "base/scope.h"

static int open_here(int flags)
{
	return open(".", flags | O_DIRECTORY | O_CLOEXEC);
}

static int make_scratch(void **state)
{
	static char path[] = "/tmp/sandbox-directory-XXXXXX";

	*state = mkdtemp(path);
	return *state && chdir(path) == 0 && mkdir("...", 0700) == 0 && mkdir(".hidden", 0700) == 0 ? 0 : -1;
}

static int remove_scratch(void **state)
{
	return rmdir("...") == 0 && rmdir(".hidden") == 0 && chdir("/") == 0 && rmdir(*state) == 0 ? 0 : -1;
}

static void tells_all_names_but_two(void **state)
{
	auto_closedir DIR *stream = directory_read(open_here(O_RDONLY));
	int dots = 0, hidden = 0;
	char *name;

	(void)state;
	assert_non_null(stream);
	while ((name = directory_next(stream))) {
		dots += strcmp(name, "...") == 0;
		hidden += strcmp(name, ".hidden") == 0;
		assert_true(strcmp(name, ".") != 0 && strcmp(name, "..") != 0);
		errno = EIO; /* what a caller does meanwhile is not the directory's */
	}
	assert_int_equal(errno, 0);
	assert_int_equal(dots, 1);
	assert_int_equal(hidden, 1);
}

static void tells_the_end_from_a_failure(void **state)
{
	auto_closedir DIR *stream = directory_read(open_here(O_RDONLY));
	auto_close int other = open("/dev/null", O_RDONLY | O_CLOEXEC);

	(void)state;
	assert_non_null(stream);
	assert_true(dup2(other, dirfd(stream)) >= 0);
	assert_null(directory_next(stream));
	assert_int_equal(errno, ENOTDIR);
}

static void closes_what_cannot_be_read(void **state)
{
	int fd = open("/dev/null", O_RDONLY | O_CLOEXEC);

	(void)state;
	assert_true(fd >= 0);
	assert_null(directory_read(fd));
	assert_int_equal(errno, ENOTDIR);
	assert_int_equal(fcntl(fd, F_GETFD), -1);
	assert_int_equal(errno, EBADF);
}

static void leaves_the_error_of_an_open_that_failed(void **state)
{
	(void)state;
	errno = EACCES;
	assert_null(directory_read(-1));
	assert_int_equal(errno, EACCES);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(tells_all_names_but_two),
		cmocka_unit_test(tells_the_end_from_a_failure),
		cmocka_unit_test(closes_what_cannot_be_read),
		cmocka_unit_test(leaves_the_error_of_an_open_that_failed),
	};

	return cmocka_run_group_tests_name("directory", tests, make_scratch, remove_scratch);
}
