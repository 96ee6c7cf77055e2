#include "base/spawn.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <spawn.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/memory.h"
#include "base/scope.h"

enum { SPAWN_OUTPUT_MAX = 64 * 1024 };

static char *const helper_environment[] = {
	(char *)"PATH=/usr/sbin:/usr/bin:/sbin:/bin",
	(char *)"LC_ALL=C",
	NULL,
};

/* The helper starts with default dispositions and an empty mask, whatever we inherited or block. */
static int spawn_with(struct spawn *spawn, char *const argv[], int output)
{
	posix_spawn_file_actions_t actions;
	posix_spawnattr_t attributes;
	sigset_t all, none;
	int code;

	(void)sigfillset(&all);
	(void)sigemptyset(&none);
	(void)posix_spawnattr_init(&attributes);
	(void)posix_spawnattr_setsigdefault(&attributes, &all);
	(void)posix_spawnattr_setsigmask(&attributes, &none);
	(void)posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETSIGDEF | POSIX_SPAWN_SETSIGMASK);
	(void)posix_spawn_file_actions_init(&actions);
	(void)posix_spawn_file_actions_addopen(&actions, STDIN_FILENO, "/dev/null", O_RDONLY, 0);
	(void)posix_spawn_file_actions_adddup2(&actions, output, STDOUT_FILENO);
	(void)posix_spawn_file_actions_adddup2(&actions, output, STDERR_FILENO);
	code = posix_spawn(&spawn->pid, argv[0], &actions, &attributes, argv, helper_environment);
	(void)posix_spawn_file_actions_destroy(&actions);
	(void)posix_spawnattr_destroy(&attributes);
	return code;
}

int spawn_start(struct spawn *spawn, char *const argv[], struct sandbox_error *error)
{
	auto_close int reader = -1, writer = -1;
	int ends[2], code;

	if (pipe2(ends, O_CLOEXEC) < 0)
		return error_set(error, errno, "make a pipe");
	reader = ends[0];
	writer = ends[1];
	code = spawn_with(spawn, argv, writer);
	if (code) {
		spawn->pid = 0;
		return error_set(error, code, "run %s", argv[0]);
	}
	spawn->output = take_fd(&reader);
	return 0;
}

int spawn_wait(struct spawn *spawn, int *out_status, char **out_output, struct sandbox_error *error)
{
	auto_free char *output = memory_zeroed(SPAWN_OUTPUT_MAX + 1, 1);
	ssize_t size = fd_read_full(spawn->output, output, SPAWN_OUTPUT_MAX);

	(void)close(take_fd(&spawn->output));
	while (waitpid(spawn->pid, out_status, 0) < 0)
		if (errno != EINTR)
			return error_set(error, errno, "wait for a helper program");
	spawn->pid = 0;
	if (size < 0)
		return error_set(error, (int)-size, "read the output of a helper program");
	if (out_output)
		*out_output = take_ptr(output);
	return 0;
}

void spawn_finish(struct spawn *spawn)
{
	if (spawn->output >= 0)
		(void)close(take_fd(&spawn->output));
	if (spawn->pid <= 0)
		return;
	(void)kill(spawn->pid, SIGKILL);
	while (waitpid(spawn->pid, NULL, 0) < 0 && errno == EINTR)
		;
	spawn->pid = 0;
}
