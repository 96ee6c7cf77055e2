/* runtime/output_log: what is written down where there is room for some of it only. */
#include <fcntl.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/file.h"
#include "base/scope.h"
#include "runtime/output_log.h"

enum { LOG_MAX = 1 << 16 };

static int make_scratch(void **state)
{
	static char path[] = "/tmp/sandbox-log-XXXXXX";

	strcpy(path + strlen(path) - 6, "XXXXXX");
	*state = mkdtemp(path);
	return *state && chdir(path) == 0 ? 0 : -1;
}

static int remove_scratch(void **state)
{
	(void)unlink("log");
	(void)unlink("log.1");
	return chdir("/") == 0 && rmdir(*state) == 0 ? 0 : -1;
}

/* Brings a text to the log, as a command would. */
static void say(struct output_log *log, int pipe, const char *text)
{
	struct pollfd events[OUTPUT_LOG_STREAMS];

	assert_int_equal(write(pipe, text, strlen(text)), strlen(text));
	output_log_poll(log, events);
	events[0].revents = POLLIN;
	output_log_copy(log, events);
}

/* A log that standard output leads to; the end to write to. */
static int start(struct output_log *log, int directory, const struct log_limits *limits)
{
	int ends[2];

	assert_int_equal(pipe2(ends, O_CLOEXEC), 0);
	assert_int_equal(output_log_open(log, directory, limits, NULL), 0);
	assert_int_equal(output_log_add(log, 0, ends[0], NULL), 0);
	return ends[1];
}

static void assert_lines(const char *file, const char *const *texts)
{
	auto_free char *text = NULL;
	char *rest, *line;

	assert_int_equal(file_read(AT_FDCWD, file, LOG_MAX, &text, NULL, NULL), 0);
	rest = text;
	for (; *texts; texts++) {
		struct output_log_line parsed;

		line = strsep(&rest, "\n");
		assert_non_null(rest);
		assert_true(output_log_parse(line, &parsed));
		assert_string_equal(parsed.text, *texts);
	}
	assert_string_equal(rest, "");
}

static void set_room(rlim_t bytes)
{
	struct rlimit limit;

	assert_int_equal(getrlimit(RLIMIT_FSIZE, &limit), 0);
	limit.rlim_cur = bytes < limit.rlim_max ? bytes : limit.rlim_max;
	assert_int_equal(setrlimit(RLIMIT_FSIZE, &limit), 0);
}

static void half_a_line_is_taken_back(void **state)
{
	const struct log_limits limits = LOG_LIMITS_DEFAULT;
	auto_finish(output_log_finish) struct output_log log = OUTPUT_LOG_INIT;
	auto_close int directory = open(".", O_RDONLY | O_DIRECTORY | O_CLOEXEC), pipe = start(&log, directory, &limits);

	(void)state;
	(void)signal(SIGXFSZ, SIG_IGN);
	say(&log, pipe, "one\n");
	set_room(log.size + 45); /* some of the text */
	say(&log, pipe, "two, for which there is no room\n");
	set_room(RLIM_INFINITY);
	say(&log, pipe, "three\n");
	assert_lines("log", (const char *const []){"one", "three", NULL});
}

static void a_file_that_could_not_be_made_is_made_later(void **state)
{
	const struct log_limits limits = {.size = 128, .files = 2};
	auto_finish(output_log_finish) struct output_log log = OUTPUT_LOG_INIT;
	auto_close int directory = open(".", O_RDONLY | O_DIRECTORY | O_CLOEXEC), pipe = start(&log, directory, &limits);

	(void)state;
	say(&log, pipe, "one\n");
	/* Too much for the file: the next one is a new one. */
	log.directory = -1;
	say(&log, pipe, "two, which is long: 12345678901234567890123456789012345678901234567890\n");
	assert_int_equal(log.file, -1);
	log.directory = directory;
	say(&log, pipe, "three\n");
	assert_lines("log", (const char *const []){"one", "three", NULL});
}

/* Two lines fit into a file. */
static void what_cannot_become_older_makes_no_log_grow(void **state)
{
	const struct log_limits limits = {.size = 128, .files = 2};
	auto_finish(output_log_finish) struct output_log log = OUTPUT_LOG_INIT;
	auto_close int directory = open(".", O_RDONLY | O_DIRECTORY | O_CLOEXEC), pipe = start(&log, directory, &limits);

	(void)state;
	/* No file takes its place. */
	assert_int_equal(mkdir("log.1", 0700), 0);
	say(&log, pipe, "one\ntwo\nthree\n");
	assert_lines("log", (const char *const []){"three", NULL});
	/* Nor can it be removed: what is there stays, and no more comes. */
	assert_int_equal(chmod(".", 0500), 0);
	say(&log, pipe, "four\nfive\nsix\n");
	assert_int_equal(chmod(".", 0700), 0);
	assert_lines("log", (const char *const []){"three", "four", NULL});
	say(&log, pipe, "seven\n");
	assert_lines("log", (const char *const []){"seven", NULL});
	assert_int_equal(rmdir("log.1"), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(half_a_line_is_taken_back, make_scratch, remove_scratch),
		cmocka_unit_test_setup_teardown(a_file_that_could_not_be_made_is_made_later, make_scratch, remove_scratch),
		cmocka_unit_test_setup_teardown(what_cannot_become_older_makes_no_log_grow, make_scratch, remove_scratch),
	};

	return cmocka_run_group_tests_name("output_log", tests, NULL, NULL);
}
