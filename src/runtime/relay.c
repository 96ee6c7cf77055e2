#include "runtime/relay.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/scope.h"

/* Terminals are replaced in the sandbox; behind a pipe or a socket is nothing else. */
static bool may_be_lent(int fd, const struct stat *status)
{
	return S_ISFIFO(status->st_mode) || S_ISSOCK(status->st_mode) || isatty(fd);
}

static int refuse_directory(int fd, struct sandbox_error *error)
{
	error_set(error, EISDIR, "descriptor %d", fd);
	error_cause(error, SANDBOX_E_USAGE, "the command could reach the host's files through it");
	return error_fix(error, "do not redirect standard input, output or error to a directory");
}

static int open_pipe(struct relay *relay, bool inwards, int *out, struct sandbox_error *error)
{
	int ends[2];

	if (pipe2(ends, O_CLOEXEC) < 0)
		return error_set(error, errno, "make a pipe");
	relay->pipe = ends[inwards];
	*out = ends[!inwards];
	if (fcntl(relay->pipe, F_SETFL, O_NONBLOCK) < 0)
		return error_set(error, errno, "prepare a pipe");
	return 0;
}

static int start_one(struct relay *relay, int fd, int *out, struct sandbox_error *error)
{
	struct stat status;

	if (fstat(fd, &status) < 0)
		return error_set(error, errno, "look at descriptor %d", fd);
	if (S_ISDIR(status.st_mode))
		return refuse_directory(fd, error);
	if (!may_be_lent(fd, &status))
		return open_pipe(relay, fd == STDIN_FILENO, out, error);
	*out = fcntl(fd, F_DUPFD_CLOEXEC, 3);
	return *out < 0 ? error_set(error, errno, "copy descriptor %d", fd) : 0;
}

int relays_start(struct relays *relays, int out[RELAY_COUNT], struct sandbox_error *error)
{
	int result = 0;

	for (int fd = 0; fd < RELAY_COUNT; fd++) {
		relays->items[fd].pipe = out[fd] = -1;
		relays->items[fd].used = relays->items[fd].sent = 0;
	}
	for (int fd = 0; fd < RELAY_COUNT && result == 0; fd++)
		result = start_one(&relays->items[fd], fd, &out[fd], error);
	return result;
}

void relays_poll(const struct relays *relays, struct pollfd events[RELAY_COUNT])
{
	for (int fd = 0; fd < RELAY_COUNT; fd++)
		events[fd] = (struct pollfd){
			.fd = relays->items[fd].pipe, .events = fd == STDIN_FILENO ? POLLOUT : POLLIN};
}

/* What the command does not read any more, or cannot get any more, ends its input. */
static void copy_in(struct relay *relay)
{
	ssize_t done;

	if (relay->sent == relay->used) {
		done = read(STDIN_FILENO, relay->data, sizeof(relay->data));
		relay->used = done > 0 ? (size_t)done : 0;
		relay->sent = 0;
		if (done <= 0) {
			(void)close(take_fd(&relay->pipe));
			return;
		}
	}
	done = write(relay->pipe, relay->data + relay->sent, relay->used - relay->sent);
	if (done > 0)
		relay->sent += (size_t)done;
	else if (errno != EAGAIN)
		(void)close(take_fd(&relay->pipe));
}

/* False when there is nothing to be read now. */
static bool copy_out(struct relay *relay, int fd)
{
	ssize_t got = read(relay->pipe, relay->data, sizeof(relay->data));

	if (got > 0 && fd_write_all(fd, relay->data, (size_t)got) == 0)
		return true;
	if (got >= 0 || errno != EAGAIN)
		(void)close(take_fd(&relay->pipe));
	return false;
}

void relays_copy(struct relays *relays, const struct pollfd events[RELAY_COUNT])
{
	if (events[STDIN_FILENO].revents)
		copy_in(&relays->items[STDIN_FILENO]);
	for (int fd = STDOUT_FILENO; fd < RELAY_COUNT; fd++)
		if (events[fd].revents)
			(void)copy_out(&relays->items[fd], fd);
}

void relays_finish(struct relays *relays)
{
	for (int fd = 0; fd < RELAY_COUNT; fd++) {
		struct relay *relay = &relays->items[fd];

		while (fd != STDIN_FILENO && relay->pipe >= 0 && copy_out(relay, fd))
			;
		if (relay->pipe >= 0)
			(void)close(take_fd(&relay->pipe));
	}
}
