/*
 * A private pseudo-terminal for the payload: pty(7). It lives in the sandbox's own devpts, so the payload has
 * job control and a name for its terminal, and the caller's terminal is out of its reach. The supervisor
 * copies between the two.
 *
 * None of the payload's standard descriptors is ever the caller's terminal. The payload is in another session,
 * so that job control would not keep it from reading there: with `sandbox run … >log &` it would get what is
 * typed into the shell, passwords too. When standard input and output both are terminals, the caller's
 * is made raw and both ways are copied. Else a terminal as output gets what is written and gives nothing, and
 * one as input is /dev/null to the payload. As a job in the background we only show what the payload writes:
 * modes and input are the shell's then.
 *
 * Defence removed in the test build by the name "terminal".
 */
#ifndef PROCESS_TERMINAL_H
#define PROCESS_TERMINAL_H

#include <poll.h>
#include <stdbool.h>
#include <stddef.h>
#include <termios.h>

#include "base/error.h"
#include "process/detach_keys.h"

enum terminal_kind {
	TERMINAL_NONE, /* neither standard output nor error is a terminal */
	TERMINAL_PTY,
	TERMINAL_PIPE, /* in the place of one: --no-tty */
	TERMINAL_DETACHED, /* nobody's, for a payload in the background */
};

/* What stands for the caller's terminal in the sandbox. */
enum terminal_kind terminal_choose(bool no_tty);

/* In init, in the new root: opens a pair on /dev/pts, or a pipe. Both close-on-exec. 0 or -errno. */
int terminal_open_pair(enum terminal_kind kind, int *out_master, int *out_slave, struct sandbox_error *error);

/* How the caller's terminal is: what a command of his finds, from its first moment, in its own. */
struct terminal_shape {
	unsigned short rows, columns; /* 0: unknown */
	bool leaves_newlines;         /* the caller's terminal makes "\r\n" of a newline: once is enough */
};
struct terminal_shape terminal_shape_of_caller(void);
/* Either side of a pair. For a pipe it does nothing. */
void terminal_set_shape(int fd, const struct terminal_shape *shape);

/*
 * In the payload, a session leader: makes `slave` the controlling terminal, and replaces those of the standard
 * descriptors that are terminals, or all of them by TERMINAL_DETACHED. `slave` is -1 where none is wanted. 0 or -errno.
 */
int terminal_adopt(enum terminal_kind kind, int slave, struct sandbox_error *error);

enum { TERMINAL_BUFFER = 16 * 1024 };

struct terminal_stream {
	char *data; /* TERMINAL_BUFFER bytes, or NULL where there is no terminal */
	size_t used;
	size_t sent;
};

/* The supervisor's side. */
struct terminal {
	int master; /* -1 when the sandbox has no terminal */
	int peer;   /* the payload's side, so that it may close its own and open it again */
	int caller; /* the standard descriptor that is the caller's terminal */
	int screen; /* the same, not blocking */
	int wake;   /* readable when the caller's terminal has new input, while that is not for us */
	bool interactive;
	bool raw;
	bool input_ended;
	bool input_only;          /* what the payload writes comes another way */
	struct detach_keys *keys; /* NULL: none */
	bool left;                /* they have been met */
	struct termios saved;
	struct terminal_stream input;  /* from the caller to the payload */
	struct terminal_stream output; /* and back */
};

#define TERMINAL_INIT {.master = -1, .peer = -1, .screen = -1, .wake = -1}

/* Takes over `master` and resumes; terminal_finish is due in either case. 0 or -errno. */
int terminal_start(struct terminal *terminal, int master, struct sandbox_error *error);

/*
 * The same for a terminal that others look after, or the writing end of a pipe: what is typed, or comes from standard
 * input otherwise, goes to `sink`, which is not blocking. `keys` stays the caller's.
 */
int terminal_start_input(struct terminal *terminal, int sink, struct detach_keys *keys, struct sandbox_error *error);

/* Where terminal_poll puts its events. */
enum { TERMINAL_POLL_INPUT, TERMINAL_POLL_OUTPUT, TERMINAL_POLL_MASTER, TERMINAL_POLL_COUNT };

/* Fills the events to wait for; all off without a terminal. */
void terminal_poll(const struct terminal *terminal, struct pollfd events[TERMINAL_POLL_COUNT]);

/* Copies what these events allow. */
void terminal_copy(struct terminal *terminal, const struct pollfd events[TERMINAL_POLL_COUNT]);

/* The caller's window has another size: pass it on. */
void terminal_resize(const struct terminal *terminal);

/* Stops this process as SIGTSTP would, with the caller's terminal as it was; resumes when it is continued. */
void terminal_suspend(struct terminal *terminal);

/* This process may be in the foreground (again): then an interactive terminal becomes raw. Passes the size on. */
void terminal_resume(struct terminal *terminal);

/* Writes out what the payload has written before its end, and restores the caller's terminal. Idempotent. */
void terminal_finish(struct terminal *terminal);

#endif
