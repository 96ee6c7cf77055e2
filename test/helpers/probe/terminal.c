/*
 * Terminals: TIOCSTI puts bytes into a terminal's input as if its user had typed them, and TIOCLINUX
 * pastes the console's selection. The kernel looks at the low 32 bits of a request; so must a filter.
 */
#include "probe.h"

#include <errno.h>
#include <fcntl.h>
#include <pty.h>
#include <stdio.h>
#include <sys/ioctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <termios.h>
#include <unistd.h>

#define HIGH_BITS 0xdead00000000L

static long request(int fd, long number)
{
	/* A space: harmless to whoever's shell it reaches. TIOCLINUX 6 reads the state of the shift keys. */
	static char bytes[8];

	bytes[0] = number == TIOCLINUX || number == (HIGH_BITS | TIOCLINUX) ? 6 : ' ';
	return syscall(SYS_ioctl, fd, number, bytes);
}

static void controlling_terminal(struct probe *probe)
{
	answer_result(probe, open("/dev/tty", O_RDWR | O_CLOEXEC));
}

static void foreground_group(struct probe *probe)
{
	answer_result(probe, tcgetpgrp(STDIN_FILENO));
}

static void on_stdin(struct probe *probe)
{
	answer_result(probe, request(STDIN_FILENO, *(const long *)probe->check->argument));
}

/* The null device knows neither request: only a filter answers anything but ENOTTY. */
static void on_null(struct probe *probe)
{
	int fd = open("/dev/null", O_RDWR | O_CLOEXEC);

	answer_result(probe, fd < 0 ? -1 : request(fd, *(const long *)probe->check->argument));
}

/* A new session takes the host's terminal for its own, where nobody stops it, and types into it. */
static void steal_and_inject(struct probe *probe)
{
	pid_t pid = fork();

	if (pid != 0) {
		(void)waitpid(pid, NULL, 0);
		return;
	}
	if (setsid() < 0 || ioctl(STDIN_FILENO, TIOCSCTTY, 1) < 0)
		answer_errno(probe);
	else
		answer_result(probe, request(STDIN_FILENO, TIOCSTI));
	_exit(0);
}

static void inject_into_own(struct probe *probe)
{
	int outer = -1, inner = -1;

	if (openpty(&outer, &inner, NULL, NULL, NULL) < 0 || (setsid() < 0 && getsid(0) != getpid()) ||
		ioctl(inner, TIOCSCTTY, 0) < 0)
		answer_errno(probe);
	else
		answer_result(probe, request(inner, TIOCSTI));
}

static const long inject = TIOCSTI, inject_high = HIGH_BITS | TIOCSTI;
static const long console = TIOCLINUX, console_high = HIGH_BITS | TIOCLINUX;

static const struct check items[] = {
	{"terminal.controlling", controlling_terminal},
	{"terminal.foreground_group", foreground_group},
	{"terminal.tiocsti_stdin", on_stdin, &inject},
	{"terminal.tiocsti_stdin_high", on_stdin, &inject_high},
	{"terminal.tiocsti_stolen", steal_and_inject},
	{"terminal.tiocsti_own", inject_into_own},
	{"terminal.tiocsti_filter", on_null, &inject},
	{"terminal.tiocsti_filter_high", on_null, &inject_high},
	{"terminal.tioclinux_filter", on_null, &console},
	{"terminal.tioclinux_filter_high", on_null, &console_high},
};

const struct checks checks_terminal = CHECKS(items);
