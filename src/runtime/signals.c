#include "runtime/signals.h"

#include <errno.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include "base/log.h"
#include "base/scope.h"
#include "runtime/channel.h"

static const int forwarded_signals[] = {SIGTERM, SIGINT, SIGHUP, SIGQUIT, SIGUSR1, SIGUSR2};
/* What concerns the caller's terminal is ours to handle, when the payload has one of its own. */
static const int terminal_signals[] = {SIGWINCH, SIGTSTP, SIGCONT};

void signals_block(sigset_t *out_previous)
{
	sigset_t all;

	(void)sigfillset(&all);
	(void)sigprocmask(SIG_SETMASK, &all, out_previous);
}

/* The write that SIGPIPE tells of has failed with EPIPE already. */
void signals_restore(const sigset_t *previous)
{
	const struct timespec at_once = {0};
	sigset_t broken_pipe;

	(void)sigemptyset(&broken_pipe);
	(void)sigaddset(&broken_pipe, SIGPIPE);
	if (!sigismember(previous, SIGPIPE))
		(void)sigtimedwait(&broken_pipe, NULL, &at_once);
	(void)sigprocmask(SIG_SETMASK, previous, NULL);
}

/* What the caller has us ignore (nohup) is not forwarded; what stops and continues us stays the kernel's. */
static void watch(sigset_t *set, const int *numbers, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		struct sigaction action;

		if (sigaction(numbers[i], NULL, &action) == 0 && action.sa_handler != SIG_IGN)
			(void)sigaddset(set, numbers[i]);
	}
}

int signals_open(bool with_terminal, struct sandbox_error *error)
{
	sigset_t watched, blocked;
	int fd;

	(void)sigemptyset(&watched);
	watch(&watched, forwarded_signals, array_count(forwarded_signals));
	if (with_terminal)
		watch(&watched, terminal_signals, array_count(terminal_signals));
	fd = signalfd(-1, &watched, SFD_CLOEXEC);
	if (fd < 0)
		return error_set(error, errno, "watch for signals");
	blocked = watched;
	(void)sigaddset(&blocked, SIGCHLD);
	(void)sigaddset(&blocked, SIGPIPE);
	(void)sigaddset(&blocked, SIGTTOU); /* The terminal is restored also from the background. */
	(void)sigprocmask(SIG_SETMASK, &blocked, NULL);
	return fd;
}

int signals_handle(int signals, struct terminal *terminal, int channel)
{
	struct signalfd_siginfo info;

	if (read(signals, &info, sizeof(info)) != sizeof(info))
		return 0;
	switch (info.ssi_signo) {
	case SIGWINCH:
		terminal_resize(terminal);
		return 0;
	case SIGTSTP:
		terminal_suspend(terminal);
		return 0;
	case SIGCONT:
		terminal_resume(terminal);
		return 0;
	default:
		log_debug("forward signal %u", info.ssi_signo);
		(void)channel_send(channel, CHANNEL_SIGNAL, (int)info.ssi_signo, 0, NULL, 0, NULL);
		return (int)info.ssi_signo;
	}
}
