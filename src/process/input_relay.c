#include "process/input_relay.h"

#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/scope.h"

/* Terminals are replaced in the sandbox; behind a pipe or a socket is nothing else. */
static bool may_be_lent(const struct stat *status)
{
	return S_ISFIFO(status->st_mode) || S_ISSOCK(status->st_mode) || isatty(STDIN_FILENO);
}

int input_relay_open(struct input_relay *relay, int *out, struct sandbox_error *error)
{
	struct stat status;
	int result;

	relay->writer = -1;
	relay->used = relay->sent = 0;
	if (fstat(STDIN_FILENO, &status) < 0)
		return error_set(error, errno, "look at standard input");
	if (may_be_lent(&status)) {
		*out = fcntl(STDIN_FILENO, F_DUPFD_CLOEXEC, 3);
		return *out < 0 ? error_set(error, errno, "copy standard input") : 0;
	}
	result = fd_pipe(out, &relay->writer, error);
	if (result < 0)
		return result;
	/* Also those who are not the caller inside may open /dev/stdin. */
	if (fchmod(*out, 0644) < 0)
		return error_set(error, errno, "prepare a pipe");
	return fcntl(relay->writer, F_SETFL, O_NONBLOCK) < 0 ? error_set(error, errno, "prepare a pipe") : 0;
}

void input_relay_poll(const struct input_relay *relay, struct pollfd *event)
{
	*event = (struct pollfd){.fd = relay->writer, .events = POLLOUT};
}

/* False at the end of the file. */
static bool fill(struct input_relay *relay)
{
	ssize_t got = read(STDIN_FILENO, relay->data, sizeof(relay->data));

	relay->used = got > 0 ? (size_t)got : 0;
	relay->sent = 0;
	return got > 0;
}

/* What the command does not read any more ends its input. */
void input_relay_copy(struct input_relay *relay, const struct pollfd *event)
{
	ssize_t written;

	if (!event->revents || relay->writer < 0)
		return;
	if (relay->sent == relay->used && !fill(relay)) {
		input_relay_close(relay);
		return;
	}
	written = write(relay->writer, relay->data + relay->sent, relay->used - relay->sent);
	if (written > 0)
		relay->sent += (size_t)written;
	else if (errno != EAGAIN)
		input_relay_close(relay);
}

/* Whoever reads on after us goes on where the command stopped. */
void input_relay_close(struct input_relay *relay)
{
	if (relay->writer < 0)
		return;
	(void)lseek(STDIN_FILENO, -((off_t)(relay->used - relay->sent) + fd_readable(relay->writer)), SEEK_CUR);
	(void)close(take_fd(&relay->writer));
}
