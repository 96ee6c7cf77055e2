#include "base/interrupt.h"

#include <errno.h>
#include <poll.h>
#include <sys/signalfd.h>
#include <sys/timerfd.h>
#include <time.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/scope.h"

static const int ending_signals[] = {SIGHUP, SIGINT, SIGQUIT, SIGTERM};

static bool is_ours(const struct interrupt *interrupt, int number)
{
	struct sigaction action;

	return !sigismember(&interrupt->previous, number) && sigaction(number, NULL, &action) == 0 &&
		action.sa_handler != SIG_IGN;
}

int interrupt_hold(struct interrupt *out, struct sandbox_error *error)
{
	struct interrupt interrupt = INTERRUPT_INIT;
	sigset_t held;

	(void)sigemptyset(&held);
	(void)sigprocmask(SIG_SETMASK, NULL, &interrupt.previous);
	for (size_t i = 0; i < array_count(ending_signals); i++)
		if (is_ours(&interrupt, ending_signals[i]))
			(void)sigaddset(&held, ending_signals[i]);
	interrupt.fd = signalfd(-1, &held, SFD_CLOEXEC);
	if (interrupt.fd < 0)
		return error_set(error, errno, "watch for signals");
	(void)sigprocmask(SIG_BLOCK, &held, NULL);
	*out = interrupt;
	return 0;
}

void interrupt_release(struct interrupt *interrupt)
{
	(void)interrupt_limit(interrupt, 0, NULL);
	if (interrupt->fd < 0)
		return;
	(void)close(take_fd(&interrupt->fd));
	(void)sigprocmask(SIG_SETMASK, &interrupt->previous, NULL);
}

int interrupt_check(const struct interrupt *interrupt, struct sandbox_error *error)
{
	struct pollfd event = {.fd = interrupt->fd, .events = POLLIN};

	return poll(&event, 1, 0) > 0 ? error_set(error, EINTR, "a signal came") : 0;
}

int interrupt_limit(struct interrupt *interrupt, uint64_t milliseconds, struct sandbox_error *error)
{
	const struct itimerspec when = {
		.it_value = {.tv_sec = (time_t)(milliseconds / 1000), .tv_nsec = (long)(milliseconds % 1000) * 1000000}};

	fd_close(&interrupt->timer);
	if (!milliseconds)
		return 0;
	interrupt->timer = timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC);
	if (interrupt->timer < 0 || timerfd_settime(interrupt->timer, 0, &when, NULL) < 0)
		return error_set(error, errno, "set a timer");
	return 0;
}

bool interrupt_is_late(const struct interrupt *interrupt)
{
	struct pollfd event = {.fd = interrupt->timer, .events = POLLIN};

	return poll(&event, 1, 0) > 0;
}

/* What has come in the end counts, also when it came together with the limit. */
static int wait_for(int fd, int signals, int timer, struct sandbox_error *error)
{
	struct pollfd events[] = {{.fd = fd, .events = POLLIN}, {.fd = signals, .events = POLLIN},
		{.fd = timer, .events = POLLIN}};

	while (poll(events, array_count(events), -1) < 0)
		if (errno != EINTR)
			return error_set(error, errno, "wait");
	if (events[1].revents)
		return error_set(error, EINTR, "a signal came");
	return events[0].revents ? 0 : error_set(error, ETIMEDOUT, "wait");
}

int interrupt_wait(const struct interrupt *interrupt, int fd, struct sandbox_error *error)
{
	return wait_for(fd, interrupt->fd, interrupt->timer, error);
}

int interrupt_wait_limit(const struct interrupt *interrupt, int fd, struct sandbox_error *error)
{
	return wait_for(fd, -1, interrupt->timer, error);
}
