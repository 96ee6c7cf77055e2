#include "runtime/status.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/log.h"
#include "base/memory.h"
#include "base/scope.h"
#include "base/text.h"
#include "runtime/signals.h"

static int refuse(const char *text, int code, const char *cause, struct sandbox_error *error)
{
	error_set(error, code, "--status-fd \"%.32s\"", text);
	error_cause(error, SANDBOX_E_USAGE, "%s", cause);
	return error_fix(error, "open one for it, from 3 on: --status-fd 3 3>FILE");
}

int status_decide(const char *text, unsigned int preserved, int *out, struct sandbox_error *error)
{
	uint64_t number;
	int flags;

	*out = -1;
	if (!text)
		return 0;
	if (!text_parse_unsigned(text, INT_MAX, &number) || number <= STDERR_FILENO)
		return refuse(text, 0, "it is not the number of a descriptor above those of the command's own streams", error);
	if (number < STDERR_FILENO + 1 + (uint64_t)preserved)
		return refuse(text, 0, "--preserve-fds gives that descriptor to the command", error);
	flags = fcntl((int)number, F_GETFL);
	if (flags < 0)
		return refuse(text, errno, "the descriptor is not open", error);
	if ((flags & O_ACCMODE) == O_RDONLY)
		return refuse(text, EBADF, "the descriptor cannot be written to", error);
	if (fcntl((int)number, F_SETFD, FD_CLOEXEC) < 0)
		return refuse(text, errno, "the descriptor cannot be kept from other programs", error);
	*out = (int)number;
	return 0;
}

/*
 * In a single write, which is whole in a pipe. Never waits: whether there is room now says nothing of the next moment where
 * several write. A pipe is the caller's, and so is whether it blocks: it is opened once more.
 */
static bool write_line(int fd, const char *line)
{
	auto_free char *path = memory_format("/proc/self/fd/%d", fd);
	size_t size = strlen(line);
	auto_close int pipe = -1;
	struct stat status;

	if (fstat(fd, &status) < 0)
		return false;
	if (S_ISSOCK(status.st_mode))
		return send(fd, line, size, MSG_DONTWAIT | MSG_NOSIGNAL) == (ssize_t)size;
	if (S_ISFIFO(status.st_mode))
		pipe = open(path, O_WRONLY | O_NONBLOCK | O_CLOEXEC);
	return write(pipe < 0 ? fd : pipe, line, size) == (ssize_t)size;
}

void status_tell(int fd, const struct event *event)
{
	struct pollfd ready = {.fd = fd, .events = POLLOUT};
	auto_free char *line = NULL;

	if (fd < 0)
		return;
	line = event_line(event);
	if (poll(&ready, 1, 0) <= 0 || !write_line(fd, line))
		log_debug("nobody reads --status-fd: %s", event->name);
}

void status_tell_failure(const char *text, const struct sandbox_error *error)
{
	sigset_t previous;
	int fd;

	if (!text || status_decide(text, 0, &fd, NULL) < 0)
		return;
	signals_block(&previous);
	status_tell(fd, &(struct event){.name = "fail", .error = error});
	signals_restore(&previous);
}
