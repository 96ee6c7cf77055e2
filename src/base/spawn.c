#include "base/spawn.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
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

/*
 * The helper starts with default dispositions and an empty mask, whatever we inherited or block. Only ^Z is for us:
 * a helper that it stopped would keep us waiting, and the shell would not know.
 */
static _Noreturn void helper_main(char *const argv[], int output)
{
	sigset_t suspend;
	int input;

	for (int number = 1; number < NSIG; number++)
		(void)signal(number, SIG_DFL);
	(void)sigemptyset(&suspend);
	(void)sigaddset(&suspend, SIGTSTP);
	(void)sigprocmask(SIG_SETMASK, &suspend, NULL);
	if (dup2(output, STDOUT_FILENO) < 0 || dup2(output, STDERR_FILENO) < 0)
		_exit(127);
	/* What comes next needs a free descriptor, and a low limit may leave none. */
	(void)close_range(STDERR_FILENO + 1, ~0U, 0);
	input = open("/dev/null", O_RDONLY | O_CLOEXEC);
	if (input >= 0 && dup2(input, STDIN_FILENO) >= 0)
		(void)execve(argv[0], argv, helper_environment);
	_exit(127);
}

int spawn_start(struct spawn *spawn, char *const argv[], struct sandbox_error *error)
{
	auto_close int reader = -1, writer = -1;
	int ends[2];

	if (pipe2(ends, O_CLOEXEC) < 0)
		return error_set(error, errno, "make a pipe");
	reader = ends[0];
	writer = ends[1];
	/* Not posix_spawn(3): that returns once the program is loaded, and two helpers are to be loaded at once. */
	spawn->pid = fork();
	if (spawn->pid == 0)
		helper_main(argv, writer);
	if (spawn->pid < 0) {
		spawn->pid = 0;
		return error_set(error, errno, "run %s", argv[0]);
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
