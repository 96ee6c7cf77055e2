#include "base/spawn.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/memory.h"
#include "base/reap.h"
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
static int set_signals(posix_spawnattr_t *attributes)
{
	sigset_t all, suspend;

	(void)sigfillset(&all);
	(void)sigemptyset(&suspend);
	(void)sigaddset(&suspend, SIGTSTP);
	(void)posix_spawnattr_setsigdefault(attributes, &all);
	(void)posix_spawnattr_setsigmask(attributes, &suspend);
	return posix_spawnattr_setflags(attributes, POSIX_SPAWN_SETSIGDEF | POSIX_SPAWN_SETSIGMASK);
}

/* Opening needs a free descriptor, and a low limit may leave none before the others are closed. */
static int set_descriptors(posix_spawn_file_actions_t *actions, int output, int lent)
{
	int result = posix_spawn_file_actions_adddup2(actions, output, STDOUT_FILENO), first_closed = STDERR_FILENO + 1;

	if (result == 0)
		result = posix_spawn_file_actions_adddup2(actions, output, STDERR_FILENO);
	if (result == 0 && lent >= 0)
		result = posix_spawn_file_actions_adddup2(actions, lent, first_closed++);
	if (result == 0)
		result = posix_spawn_file_actions_addclosefrom_np(actions, first_closed);
	return result ? result : posix_spawn_file_actions_addopen(actions, STDIN_FILENO, "/dev/null", O_RDONLY, 0);
}

/*
 * Starts a program with the descriptors that `actions`, which it consumes, has for it unless `result` says that they could
 * not be said. Returns once it is executed, but before it is loaded: what the loader does, two helpers do at once. 0 or a
 * positive errno.
 */
static int start(char *const argv[], char *const environment[], posix_spawn_file_actions_t *actions, int result, pid_t *out)
{
	posix_spawnattr_t attributes;

	(void)posix_spawnattr_init(&attributes);
	if (result == 0)
		result = set_signals(&attributes);
	if (result == 0)
		result = posix_spawn(out, argv[0], actions, &attributes, argv, environment);
	(void)posix_spawn_file_actions_destroy(actions);
	(void)posix_spawnattr_destroy(&attributes);
	return result;
}

int spawn_start(struct spawn *spawn, char *const argv[], struct sandbox_error *error)
{
	auto_close int reader = -1, writer = -1;
	posix_spawn_file_actions_t actions;
	int ends[2], result;

	if (pipe2(ends, O_CLOEXEC) < 0)
		return error_set(error, errno, "make a pipe");
	reader = ends[0];
	writer = ends[1];
	/* Not fork(2): the helper would be given copies of all that we have, only to drop them. */
	(void)posix_spawn_file_actions_init(&actions);
	result = start(argv, helper_environment, &actions, set_descriptors(&actions, writer, spawn->lent), &spawn->pid);
	if (result) {
		spawn->pid = 0;
		return error_set(error, result, "run %s", argv[0]);
	}
	spawn->output = take_fd(&reader);
	return 0;
}

int spawn_wait(struct spawn *spawn, int *out_status, char **out_output, struct sandbox_error *error)
{
	auto_free char *output = memory_zeroed(SPAWN_OUTPUT_MAX + 1, 1);
	ssize_t size = fd_read_full(spawn->output, output, SPAWN_OUTPUT_MAX);
	int result;

	(void)close(take_fd(&spawn->output));
	result = reap_child(spawn->pid, out_status);
	if (result < 0)
		return error_set(error, -result, "wait for a helper program");
	spawn->pid = 0;
	if (size < 0)
		return error_set(error, (int)-size, "read the output of a helper program");
	if (out_output)
		*out_output = take_ptr(output);
	return 0;
}

void spawn_finish(struct spawn *spawn)
{
	fd_close(&spawn->output);
	end_child(&spawn->pid);
}

enum { DETACHED_FDS_MAX = 8 };

/* From descriptor 3 on in their order; they lie above those numbers already. */
static int place_descriptors(posix_spawn_file_actions_t *actions, const int *fds, size_t count)
{
	int result = 0;

	for (size_t i = 0; i < count && result == 0; i++)
		result = posix_spawn_file_actions_adddup2(actions, fds[i], STDERR_FILENO + 1 + (int)i);
	return result ? result : posix_spawn_file_actions_addclosefrom_np(actions, STDERR_FILENO + 1 + (int)count);
}

int spawn_detached(char *const argv[], const int *fds, size_t count, struct sandbox_error *error)
{
	static char *const no_environment[] = {NULL};
	posix_spawn_file_actions_t actions;
	int raised[DETACHED_FDS_MAX] = {0}, status = 0, result = count > DETACHED_FDS_MAX ? EINVAL : 0;
	size_t held = 0;
	pid_t pid = 0;

	for (; held < count && result == 0; held++) {
		raised[held] = fcntl(fds[held], F_DUPFD_CLOEXEC, STDERR_FILENO + 1 + (int)count);
		result = raised[held] < 0 ? errno : 0;
	}
	(void)posix_spawn_file_actions_init(&actions);
	result = start(argv, no_environment, &actions, result ? result : place_descriptors(&actions, raised, count), &pid);
	while (held > 0)
		(void)close(raised[--held]);
	if (result)
		return error_set(error, result, "run %s", argv[0]);
	result = reap_child(pid, &status);
	if (result < 0)
		return error_set(error, -result, "wait for %s", argv[0]);
	return status == 0 ? 0 : error_set(error, ECHILD, "%s failed", argv[0]);
}
