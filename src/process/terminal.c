#include "process/terminal.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/memory.h"
#include "base/scope.h"
#include "base/test_switch.h"

/* A terminal's buffers take 64 KiB, and one page of its line discipline (pty.c and tty_buffer.c of the kernel). */
enum { TERMINAL_HELD_MAX = 128 << 10 };

/* For so long a command may let its terminal be full before what was typed is given up. */
enum { REST_MILLISECONDS = 500 };

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
	struct winsize usual = {.ws_row = 24, .ws_col = 80};
	int result = kind == TERMINAL_PIPE ? fd_pipe(out_master, out_slave, error)
					   : open_pty(out_master, out_slave, error);

	if (result == 0 && kind == TERMINAL_DETACHED)
		(void)ioctl(*out_slave, TIOCSWINSZ, &usual);
	return result;
}

int terminal_adopt(enum terminal_kind kind, int slave, struct sandbox_error *error)
{
	auto_close int nothing = open("/dev/null", O_RDONLY | O_CLOEXEC);
	bool all = kind == TERMINAL_DETACHED, interactive = all || is_interactive(slave);

	if (test_defence_removed("terminal"))
		return 0;
	if (nothing < 0)
		return error_set(error, errno, "open the sandbox's /dev/null");
	if (isatty(slave) && ioctl(slave, TIOCSCTTY, 0) < 0)
		return error_set(error, errno, "make the terminal the controlling one");
	for (int fd = STDIN_FILENO; fd <= STDERR_FILENO; fd++) {
		int own = fd == STDIN_FILENO && !interactive ? nothing : slave;

		if ((all || isatty(fd)) && dup2(own, fd) < 0)
			return error_set(error, errno, "take the caller's terminal away from descriptor %d", fd);
	}
	return 0;
}

struct terminal_shape terminal_shape_of_caller(void)
{
	struct terminal_shape shape = {.leaves_newlines = !isatty(STDIN_FILENO) || !isatty(STDOUT_FILENO)};
	struct winsize size;

	if (ioctl(isatty(STDOUT_FILENO) ? STDOUT_FILENO : STDERR_FILENO, TIOCGWINSZ, &size) == 0) {
		shape.rows = size.ws_row;
		shape.columns = size.ws_col;
	}
	return shape;
}

static void leave_newlines(int fd)
{
	struct termios settings;

	if (tcgetattr(fd, &settings) < 0)
		return;
	settings.c_oflag &= ~(tcflag_t)OPOST;
	(void)tcsetattr(fd, TCSANOW, &settings);
}

void terminal_set_shape(int fd, const struct terminal_shape *shape)
{
	struct winsize size = {.ws_row = shape->rows, .ws_col = shape->columns};

	(void)ioctl(fd, TIOCSWINSZ, &size);
	if (shape->leaves_newlines)
		leave_newlines(fd);
}

/*
 * A job in the background must leave the terminal to the shell: what is typed is not ours, nor are the modes.
 * There are no jobs on a terminal that is not the controlling one (su -c).
 */
static bool is_foreground(void)
{
	pid_t group = tcgetpgrp(STDIN_FILENO);

	return group < 0 || group == getpgrp();
}

static void make_raw(struct terminal *terminal)
{
	struct termios raw;

	/* The keys of one who writes to a pipe are those of his own terminal: ^C is a signal. */
	if (!isatty(terminal->master) || (!terminal->raw && tcgetattr(STDIN_FILENO, &terminal->saved) < 0))
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

void terminal_resume(struct terminal *terminal)
{
	if (terminal->interactive && is_foreground())
		make_raw(terminal);
	terminal_resize(terminal);
}

/* A description of our own, so that it can be told not to block: others share the caller's. */
static int open_screen(int caller)
{
	char path[32];
	int screen;

	(void)snprintf(path, sizeof(path), "/proc/self/fd/%d", caller);
	screen = open(path, O_WRONLY | O_NOCTTY | O_NONBLOCK | O_CLOEXEC);
	return screen >= 0 ? screen : fcntl(caller, F_DUPFD_CLOEXEC, 0);
}

/* Readable once for every input, not for as long as there is some that we leave to the shell. */
static int open_wake(void)
{
	struct epoll_event event = {.events = EPOLLIN | EPOLLET};
	auto_close int wake = epoll_create1(EPOLL_CLOEXEC);

	if (wake < 0 || epoll_ctl(wake, EPOLL_CTL_ADD, STDIN_FILENO, &event) < 0)
		return -1;
	return take_fd(&wake);
}

static bool open_own_side(struct terminal *terminal)
{
	terminal->screen = open_screen(terminal->caller);
	if (isatty(terminal->master))
		terminal->peer = ioctl(terminal->master, TIOCGPTPEER, O_RDWR | O_NOCTTY | O_CLOEXEC);
	if (terminal->interactive)
		terminal->wake = open_wake();
	return terminal->screen >= 0 && (!isatty(terminal->master) || terminal->peer >= 0) &&
		(!terminal->interactive || terminal->wake >= 0) &&
		fcntl(terminal->master, F_SETFL, O_RDWR | O_NONBLOCK) == 0;
}

int terminal_start(struct terminal *terminal, int master, struct sandbox_error *error)
{
	terminal->master = master;
	terminal->input.data = memory_zeroed(1, TERMINAL_BUFFER);
	terminal->output.data = memory_zeroed(1, TERMINAL_BUFFER);
	terminal->caller = isatty(STDOUT_FILENO) ? STDOUT_FILENO : STDERR_FILENO;
	terminal->interactive = is_interactive(master);
	/* The caller's terminal, which is not raw then, does that. */
	if (!terminal->interactive)
		leave_newlines(master);
	if (!open_own_side(terminal))
		return error_set(error, errno, "prepare the terminal");
	terminal_resume(terminal);
	return 0;
}

int terminal_start_input(struct terminal *terminal, int sink, struct detach_keys *keys, struct sandbox_error *error)
{
	terminal->master = sink;
	terminal->input.data = memory_zeroed(1, TERMINAL_BUFFER + DETACH_KEYS_MAX);
	terminal->caller = isatty(STDOUT_FILENO) ? STDOUT_FILENO : STDERR_FILENO;
	terminal->interactive = terminal->input_only = true;
	terminal->keys = isatty(STDIN_FILENO) && isatty(sink) ? keys : NULL;
	if (isatty(STDIN_FILENO)) {
		terminal->wake = open_wake();
		if (terminal->wake < 0)
			return error_set(error, errno, "watch the terminal");
	}
	terminal_resume(terminal);
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
	bool wants_input = on && terminal->interactive && !has_input && !terminal->input_ended;
	int input = is_foreground() ? STDIN_FILENO : terminal->wake;

	events[TERMINAL_POLL_INPUT] = (struct pollfd){.fd = wants_input ? input : -1, .events = POLLIN};
	events[TERMINAL_POLL_OUTPUT] = (struct pollfd){.fd = on && has_output ? terminal->screen : -1, .events = POLLOUT};
	/* A buffer that is full is emptied before more is read: memory stays bounded, and the payload waits. */
	has_output |= terminal->input_only;
	events[TERMINAL_POLL_MASTER] = (struct pollfd){.fd = on && (has_input || !has_output) ? terminal->master : -1,
		.events = (short)((has_output ? 0 : POLLIN) | (has_input ? POLLOUT : 0))};
}

/* False at the end of the file, or when nobody has the other side open any more. */
static bool stream_fill(struct terminal_stream *stream, int fd)
{
	ssize_t got = read(fd, stream->data, TERMINAL_BUFFER);

	/* Also where nothing came: what the buffer had is sent, and must not be looked through for keys once more. */
	stream->used = got > 0 ? (size_t)got : 0;
	stream->sent = 0;
	return got > 0 || (got < 0 && (errno == EAGAIN || errno == EINTR));
}

static bool stream_drain(struct terminal_stream *stream, int fd)
{
	ssize_t written = write(fd, stream->data + stream->sent, stream->used - stream->sent);

	if (written < 0)
		return errno == EAGAIN || errno == EINTR;
	stream->sent += (size_t)written;
	return true;
}

/* The keys came with what was typed before them: nobody comes back for that. What the command does not read stays behind. */
static void hand_over_rest(struct terminal *terminal)
{
	struct pollfd event = {.fd = terminal->master, .events = POLLOUT};
	bool on = true;

	while (on && !stream_is_empty(&terminal->input) && poll(&event, 1, REST_MILLISECONDS) > 0) {
		size_t before = terminal->input.sent;

		on = stream_drain(&terminal->input, terminal->master) && terminal->input.sent != before;
	}
}

/* In its own place: what is held back comes later. */
static void look_for_keys(struct terminal *terminal)
{
	struct terminal_stream *input = &terminal->input;
	auto_free char *typed = memory_zeroed(1, TERMINAL_BUFFER);

	memcpy(typed, input->data, input->used);
	input->used = detach_keys_filter(terminal->keys, typed, input->used, input->data, &terminal->left);
	terminal->input_ended |= terminal->left;
	if (terminal->left)
		hand_over_rest(terminal);
}

static void take_input(struct terminal *terminal, int fd)
{
	struct epoll_event event;

	if (fd == STDIN_FILENO) {
		terminal->input_ended = !stream_fill(&terminal->input, STDIN_FILENO);
		if (terminal->keys)
			look_for_keys(terminal);
		return;
	}
	(void)epoll_wait(fd, &event, 1, 0);
	terminal_resume(terminal); /* Shells do not tell a running job that it is in the foreground again. */
}

void terminal_copy(struct terminal *terminal, const struct pollfd events[TERMINAL_POLL_COUNT])
{
	short master = events[TERMINAL_POLL_MASTER].revents;

	if (events[TERMINAL_POLL_INPUT].revents)
		take_input(terminal, events[TERMINAL_POLL_INPUT].fd);
	if (events[TERMINAL_POLL_OUTPUT].revents && !stream_drain(&terminal->output, terminal->screen))
		terminal->output.sent = terminal->output.used; /* The caller's terminal is gone. */
	if ((master & POLLOUT) && !stream_drain(&terminal->input, terminal->master))
		fd_close(&terminal->master);
	if (terminal->input_only && (master & (POLLHUP | POLLERR)))
		fd_close(&terminal->master);
	if (!terminal->input_only && (master & (POLLIN | POLLHUP)) && stream_is_empty(&terminal->output) &&
	    terminal->master >= 0 && !stream_fill(&terminal->output, terminal->master))
		fd_close(&terminal->master);
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
	terminal_resume(terminal);
}

/*
 * What was read before, then the rest; but no more than the terminal can hold now, since others in the sandbox may go on
 * writing there for ever.
 */
static void write_out(struct terminal *terminal)
{
	struct terminal_stream *output = &terminal->output;
	size_t written = 0;

	do {
		(void)fd_write_all(terminal->caller, output->data + output->sent, output->used - output->sent);
		written += output->used;
		output->used = output->sent = 0;
	} while (written < TERMINAL_HELD_MAX && terminal->master >= 0 && stream_fill(output, terminal->master) &&
		 output->used);
}

void terminal_finish(struct terminal *terminal)
{
	/* Where all who wrote have ended, the master comes to the end of it without our peer. */
	fd_close(&terminal->peer);
	if (terminal->output.data)
		write_out(terminal);
	fd_close(&terminal->master);
	fd_close(&terminal->screen);
	fd_close(&terminal->wake);
	make_cooked(terminal);
	free(take_ptr(terminal->input.data));
	free(take_ptr(terminal->output.data));
}
