#include "process/terminal.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/scope.h"
#include "base/test_switch.h"

enum terminal_kind terminal_choose(bool no_tty)
{
	if (!isatty(STDOUT_FILENO) && !isatty(STDERR_FILENO))
		return TERMINAL_NONE;
	return no_tty ? TERMINAL_PIPE : TERMINAL_PTY;
}

/* `own` is the side of the pair that this process has. */
static bool is_interactive(int own)
{
	return isatty(own) && isatty(STDIN_FILENO) && isatty(STDOUT_FILENO);
}

static int open_pipe(int *out_reader, int *out_writer, struct sandbox_error *error)
{
	int ends[2];

	if (pipe2(ends, O_CLOEXEC) < 0)
		return error_set(error, errno, "make a pipe");
	*out_reader = ends[0];
	*out_writer = ends[1];
	return 0;
}

static int open_pty(int *out_master, int *out_slave, struct sandbox_error *error)
{
	auto_close int master = open("/dev/pts/ptmx", O_RDWR | O_NOCTTY | O_CLOEXEC);
	int unlocked = 0;

	if (master < 0)
		return error_set(error, errno, "open a terminal");
	if (ioctl(master, TIOCSPTLCK, &unlocked) < 0)
		return error_set(error, errno, "unlock the terminal");
	/* By descriptor: a name in /dev/pts would be looked up in what the payload will own. */
	*out_slave = ioctl(master, TIOCGPTPEER, O_RDWR | O_NOCTTY | O_CLOEXEC);
	if (*out_slave < 0)
		return error_set(error, errno, "open the terminal's other side");
	*out_master = take_fd(&master);
	return 0;
}

int terminal_open_pair(enum terminal_kind kind, int *out_master, int *out_slave, struct sandbox_error *error)
{
	return kind == TERMINAL_PTY ? open_pty(out_master, out_slave, error)
				    : open_pipe(out_master, out_slave, error);
}

int terminal_adopt(int slave, struct sandbox_error *error)
{
	auto_close int nothing = open("/dev/null", O_RDONLY | O_CLOEXEC);
	bool interactive = is_interactive(slave);

	if (test_defence_removed("terminal"))
		return 0;
	if (nothing < 0)
		return error_set(error, errno, "open the sandbox's /dev/null");
	if (isatty(slave) && ioctl(slave, TIOCSCTTY, 0) < 0)
		return error_set(error, errno, "make the terminal the controlling one");
	for (int fd = STDIN_FILENO; fd <= STDERR_FILENO; fd++) {
		int own = fd == STDIN_FILENO && !interactive ? nothing : slave;

		if (isatty(fd) && dup2(own, fd) < 0)
			return error_set(error, errno, "take the caller's terminal away from descriptor %d", fd);
	}
	return 0;
}

static void make_raw(struct terminal *terminal)
{
	struct termios raw;

	if (!terminal->interactive || tcgetattr(STDIN_FILENO, &terminal->saved) < 0)
		return;
	raw = terminal->saved;
	cfmakeraw(&raw);
	terminal->raw = tcsetattr(STDIN_FILENO, TCSADRAIN, &raw) == 0;
}

static void make_cooked(struct terminal *terminal)
{
	if (terminal->raw)
		(void)tcsetattr(STDIN_FILENO, TCSADRAIN, &terminal->saved);
	terminal->raw = false;
}

/* The caller's terminal, unless it is raw, makes "\r\n" of a newline: once is enough. */
static void leave_newlines(int master)
{
	struct termios settings;

	if (tcgetattr(master, &settings) < 0)
		return;
	settings.c_oflag &= ~(tcflag_t)OPOST;
	(void)tcsetattr(master, TCSANOW, &settings);
}

int terminal_start(struct terminal *terminal, int master, struct sandbox_error *error)
{
	terminal->master = master;
	terminal->caller = isatty(STDOUT_FILENO) ? STDOUT_FILENO : STDERR_FILENO;
	terminal->interactive = is_interactive(master);
	if (!terminal->interactive)
		leave_newlines(master);
	if (fcntl(master, F_SETFL, O_RDWR | O_NONBLOCK) < 0)
		return error_set(error, errno, "prepare the terminal");
	terminal_resize(terminal);
	make_raw(terminal);
	return 0;
}

static bool stream_is_empty(const struct terminal_stream *stream)
{
	return stream->sent == stream->used;
}

void terminal_poll(const struct terminal *terminal, struct pollfd events[TERMINAL_POLL_COUNT])
{
	bool has_input = !stream_is_empty(&terminal->input), has_output = !stream_is_empty(&terminal->output);
	bool on = terminal->master >= 0;

	events[TERMINAL_POLL_INPUT] = (struct pollfd){
		.fd = on && terminal->interactive && !has_input && !terminal->input_ended ? STDIN_FILENO : -1,
		.events = POLLIN};
	events[TERMINAL_POLL_OUTPUT] = (struct pollfd){.fd = on && has_output ? terminal->caller : -1, .events = POLLOUT};
	/* A buffer that is full is emptied before more is read: memory stays bounded, and the payload waits. */
	events[TERMINAL_POLL_MASTER] = (struct pollfd){.fd = on && (has_input || !has_output) ? terminal->master : -1,
		.events = (short)((has_output ? 0 : POLLIN) | (has_input ? POLLOUT : 0))};
}

/* False at the end of the file, or when nobody has the other side open any more. */
static bool stream_fill(struct terminal_stream *stream, int fd)
{
	ssize_t got = read(fd, stream->data, sizeof(stream->data));

	if (got < 0)
		return errno == EAGAIN || errno == EINTR;
	stream->used = (size_t)got;
	stream->sent = 0;
	return got > 0;
}

static bool stream_drain(struct terminal_stream *stream, int fd)
{
	ssize_t written = write(fd, stream->data + stream->sent, stream->used - stream->sent);

	if (written < 0)
		return errno == EAGAIN || errno == EINTR;
	stream->sent += (size_t)written;
	return true;
}

static void terminal_close(struct terminal *terminal)
{
	if (terminal->master >= 0)
		(void)close(take_fd(&terminal->master));
}

void terminal_copy(struct terminal *terminal, const struct pollfd events[TERMINAL_POLL_COUNT])
{
	short master = events[TERMINAL_POLL_MASTER].revents;

	if (events[TERMINAL_POLL_INPUT].revents && !stream_fill(&terminal->input, STDIN_FILENO))
		terminal->input_ended = true;
	if (events[TERMINAL_POLL_OUTPUT].revents && !stream_drain(&terminal->output, terminal->caller))
		terminal->output.sent = terminal->output.used; /* The caller's terminal is gone. */
	if ((master & POLLOUT) && !stream_drain(&terminal->input, terminal->master))
		terminal_close(terminal);
	if ((master & (POLLIN | POLLHUP)) && stream_is_empty(&terminal->output) && terminal->master >= 0 &&
		!stream_fill(&terminal->output, terminal->master))
		terminal_close(terminal);
}

void terminal_resize(const struct terminal *terminal)
{
	struct winsize size;

	if (terminal->master >= 0 && ioctl(terminal->caller, TIOCGWINSZ, &size) == 0)
		(void)ioctl(terminal->master, TIOCSWINSZ, &size);
}

void terminal_suspend(struct terminal *terminal)
{
	make_cooked(terminal);
	(void)raise(SIGSTOP);
	if (terminal->master >= 0)
		make_raw(terminal);
	terminal_resize(terminal);
}

void terminal_finish(struct terminal *terminal)
{
	/* All processes of the sandbox have ended, so this comes to the end of what they wrote. */
	while (terminal->master >= 0) {
		(void)fd_write_all(terminal->caller, terminal->output.data + terminal->output.sent,
			terminal->output.used - terminal->output.sent);
		terminal->output.used = terminal->output.sent = 0;
		if (!stream_fill(&terminal->output, terminal->master) || terminal->output.used == 0)
			terminal_close(terminal);
	}
	(void)fd_write_all(terminal->caller, terminal->output.data + terminal->output.sent,
		terminal->output.used - terminal->output.sent);
	terminal->output.used = terminal->output.sent = 0;
	make_cooked(terminal);
}
