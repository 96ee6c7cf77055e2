#include "runtime/supervisor.h"

#include <errno.h>
#include <poll.h>
#include <stdbool.h>
#include <sys/pidfd.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/timerfd.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/log.h"
#include "base/memory.h"
#include "base/scope.h"
#include "base/signals.h"
#include "base/test_switch.h"
#include "cgroup/counters.h"
#include "runtime/channel.h"
#include "runtime/receipt.h"
#include "runtime/sampling.h"
#include "runtime/signals.h"

struct supervisor {
	const struct plan *plan;
	struct container *container;
	const struct supervisor_chore *chore;
	int signals;
	int timer;   /* the timeout, or -1 */
	int settled; /* when the chore is due, or -1 */
	int sample;  /* when to look after the limits, or -1 */
	bool timed_out;
	const struct cgroup_limit *exceeded; /* ended because of it */
	struct sampler_usage peak;
	uint64_t forwarded; /* signals, as bits (signal_bit) */
	struct timespec started;
	struct rusage usage;
	bool network_lost; /* and the user has yet to be told, why: */
	struct sandbox_error network_end;
	bool reported; /* init has said how the payload ended */
	bool root_full;
	int status;    /* a raw wait status: the payload's once reported, else init's own */
};

static int set_timer(int timer, uint64_t milliseconds)
{
	struct itimerspec when = {
		.it_value = {.tv_sec = (time_t)(milliseconds / 1000), .tv_nsec = (long)(milliseconds % 1000) * 1000000}};

	return timerfd_settime(timer, 0, &when, NULL);
}

static int open_timer(uint64_t milliseconds, struct sandbox_error *error)
{
	auto_close int timer = timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC);

	if (timer < 0 || set_timer(timer, milliseconds) < 0)
		return error_set(error, errno, "set a timer");
	return take_fd(&timer);
}

static void end_by_timeout(struct supervisor *self)
{
	log_debug("the timeout has passed");
	self->timed_out = true;
	/* All processes of the pid namespace end with its PID 1. */
	(void)pidfd_send_signal(self->container->init_pidfd, SIGKILL, NULL, 0);
}

/* Setting the timer again takes its readiness away. */
static void look_after_limits(struct supervisor *self)
{
	uint64_t pause;

	self->exceeded = sampling_look(self->plan, &self->container->sampler, &self->peak, &pause);
	(void)set_timer(self->sample, self->exceeded ? 0 : pause);
	if (!self->exceeded)
		return;
	log_debug("--%s is exceeded: %llu bytes, %llu processes", self->exceeded->option,
		(unsigned long long)self->peak.memory, (unsigned long long)self->peak.tasks);
	(void)pidfd_send_signal(self->container->init_pidfd, SIGKILL, NULL, 0);
}

/* The payload runs on; the chore may take as long as a slow disk. */
static void start_chore(struct supervisor *self)
{
	pid_t parent = getpid();

	log_debug("the payload has settled: do the chore");
	self->container->chore = fork();
	if (self->container->chore != 0)
		return;
	/* The sandbox's life is not its own: a lock that it kept would be that of a sandbox that lives. */
	container_forget(self->container);
	if (prctl(PR_SET_PDEATHSIG, SIGKILL) == 0 && getppid() == parent)
		self->chore->function(self->chore->argument);
	_exit(0);
}

/* Reads init's word. False when the channel has nothing more to say. */
static bool hear_init(struct supervisor *self, struct sandbox_error *error, int *out_result)
{
	struct channel_message message;
	int result = channel_receive(self->container->channel, &message, error);

	if (result <= 0)
		return false;
	if (message.step == CHANNEL_ERROR) {
		*error = message.error;
		*out_result = message.error.code ? -message.error.code : -EINVAL;
	}
	if (message.step == CHANNEL_EXITED) {
		self->reported = true;
		self->status = message.value;
		self->root_full = message.flags & CHANNEL_EXITED_ROOT_FULL;
	}
	return true;
}

static int reap_init(struct supervisor *self, struct sandbox_error *error)
{
	int status;

	while (wait4(self->container->init, &status, 0, &self->usage) < 0)
		if (errno != EINTR)
			return error_set(error, errno, "wait for init");
	self->container->init = 0;
	if (!self->reported)
		self->status = status;
	return 0;
}

/* Not while the terminal is raw, where lines would run down it like stairs. */
static void notice_lost_network(struct supervisor *self)
{
	auto_free char *text = NULL;

	if (!self->network_lost)
		return;
	self->network_lost = false;
	text = memory_format("%s (%s): the sandbox has no network any more", self->network_end.text, self->network_end.cause);
	log_notice("%s", text);
	output_log_note(&self->container->log, text);
}

/* The payload goes on: what it does may need no network any more, and it would be the last to expect to be ended. */
static void lose_network(struct supervisor *self)
{
	uplink_hear_end(&self->container->uplink, &self->network_end);
	self->network_lost = true;
	if (!self->container->terminal.raw)
		notice_lost_network(self);
}

/* SIGKILL is for all of the sandbox: where there is a group nobody in it gets away, or is in init's way. */
static void serve_clients(struct supervisor *self, const struct pollfd *events)
{
	uint64_t asked = control_serve(&self->container->control, events, self->container->channel);

	self->forwarded |= asked;
	if (asked & signal_bit(SIGKILL) && self->container->group.cgroup.group >= 0)
		(void)cgroup_group_kill(self->container->group.cgroup.group);
}

/* Clients come last: their number changes. */
enum { EVENT_CHANNEL, EVENT_INIT, EVENT_SIGNALS, EVENT_TIMER, EVENT_SETTLED, EVENT_NETWORK, EVENT_SAMPLE,
	EVENT_TERMINAL, EVENT_OUTPUT = EVENT_TERMINAL + TERMINAL_POLL_COUNT, EVENT_LOG = EVENT_OUTPUT + OUTPUT_RELAY_COUNT,
	EVENT_CLIENTS = EVENT_LOG + OUTPUT_LOG_STREAMS };

/* Handles what one poll has found. False when init has ended and has nothing more to say. */
static bool handle_events(struct supervisor *self, struct pollfd *events, struct sandbox_error *error,
	int *out_result)
{
	if (events[EVENT_SIGNALS].revents)
		self->forwarded |= signal_bit(signals_handle(self->signals, &self->container->terminal,
			self->container->channel));
	if (events[EVENT_TIMER].revents) {
		end_by_timeout(self);
		events[EVENT_TIMER].fd = -1;
	}
	if (events[EVENT_SETTLED].revents) {
		start_chore(self);
		events[EVENT_SETTLED].fd = -1;
	}
	if (events[EVENT_SAMPLE].revents)
		look_after_limits(self);
	if (events[EVENT_NETWORK].revents) {
		lose_network(self);
		events[EVENT_NETWORK].fd = -1;
	}
	terminal_copy(&self->container->terminal, events + EVENT_TERMINAL);
	output_relay_copy(&self->container->output, events + EVENT_OUTPUT);
	output_log_copy(&self->container->log, events + EVENT_LOG);
	serve_clients(self, events + EVENT_CLIENTS);
	/* A closed channel would be readable for ever; from then on the pidfd tells. */
	if (events[EVENT_CHANNEL].revents && !hear_init(self, error, out_result))
		events[EVENT_CHANNEL].fd = -1;
	/* What init sent before it ended is still in the channel: read that first. */
	return !events[EVENT_INIT].revents || events[EVENT_CHANNEL].fd >= 0;
}

static void prepare_events(const struct supervisor *self, struct pollfd events[EVENT_CLIENTS])
{
	events[EVENT_CHANNEL] = (struct pollfd){.fd = self->container->channel, .events = POLLIN};
	events[EVENT_INIT] = (struct pollfd){.fd = self->container->init_pidfd, .events = POLLIN};
	events[EVENT_SIGNALS] = (struct pollfd){.fd = self->signals, .events = POLLIN};
	events[EVENT_TIMER] = (struct pollfd){.fd = self->timer, .events = POLLIN};
	events[EVENT_SETTLED] = (struct pollfd){.fd = self->settled, .events = POLLIN};
	events[EVENT_SAMPLE] = (struct pollfd){.fd = self->sample, .events = POLLIN};
	events[EVENT_NETWORK] = (struct pollfd){.fd = self->container->uplink.channel, .events = POLLIN};
}

/* Init ends last of all in its pid namespace: once it is reaped, nothing of the sandbox runs. */
static int watch(struct supervisor *self, struct sandbox_error *error)
{
	auto_free struct pollfd *events = memory_zeroed(EVENT_CLIENTS, sizeof(*events));
	struct container *container = self->container;
	bool alive = true;
	int result = 0;

	prepare_events(self, events);
	while (alive) {
		size_t clients = control_poll_count(&container->control);

		events = memory_resize(events, EVENT_CLIENTS + clients, sizeof(*events));
		terminal_poll(&container->terminal, events + EVENT_TERMINAL);
		output_relay_poll(&container->output, events + EVENT_OUTPUT);
		output_log_poll(&container->log, events + EVENT_LOG);
		control_poll(&container->control, events + EVENT_CLIENTS);
		if (poll(events, EVENT_CLIENTS + clients, -1) >= 0)
			alive = handle_events(self, events, error, &result);
		else if (errno != EINTR)
			return error_set(error, errno, "wait for the sandbox");
	}
	return reap_init(self, error) < 0 ? -ECHILD : result;
}

/* Not while the terminal is raw, where lines would run down it like stairs. */
static void notice_full_root(struct supervisor *self)
{
	if (!self->root_full)
		return;
	terminal_finish(&self->container->terminal);
	log_notice("the writable layer ran full; %s", self->plan->upper_on_disk
		? "--state names another place for it" : "--storage-size or --overlay=disk give it more room");
}

static bool was_oom(const struct cgroup_counters *counters, int signal)
{
	return signal == SIGKILL && counters->known[CGROUP_MEMORY_OOM_KILL] && counters->values[CGROUP_MEMORY_OOM_KILL];
}

/* Init is ended from outside only; and a signal that we passed on, and that then ended the command, was the user's. */
static bool was_killed(const struct supervisor *self, int signal)
{
	return !self->reported || self->forwarded & signal_bit(signal);
}

static void fill_cause(const struct supervisor *self, const struct cgroup_counters *counters, struct sandbox_result *out)
{
	int signal = WIFSIGNALED(self->status) ? WTERMSIG(self->status) : 0;

	out->number = signal ? signal : WEXITSTATUS(self->status);
	out->cause = signal ? SANDBOX_CAUSE_SIGNAL : SANDBOX_CAUSE_EXIT;
	out->limit = self->exceeded ? self->exceeded->option : NULL;
	if (self->timed_out)
		out->cause = SANDBOX_CAUSE_TIMEOUT;
	else if (self->exceeded)
		out->cause = SANDBOX_CAUSE_LIMIT;
	else if (was_oom(counters, signal))
		out->cause = SANDBOX_CAUSE_OOM;
	else if (signal && was_killed(self, signal))
		out->cause = SANDBOX_CAUSE_KILLED;
}

static uint64_t microseconds(const struct timeval *time)
{
	return (uint64_t)time->tv_sec * 1000000 + (uint64_t)time->tv_usec;
}

static void fill_result(const struct supervisor *self, struct sandbox_result *out)
{
	int group = self->container->group.cgroup.group;
	struct cgroup_counters counters = {{false}};
	struct receipt_times times = {.user = microseconds(&self->usage.ru_utime),
		.system = microseconds(&self->usage.ru_stime)};
	struct timespec now;

	(void)clock_gettime(CLOCK_MONOTONIC, &now);
	times.wall = (uint64_t)((now.tv_sec - self->started.tv_sec) * 1000000 + (now.tv_nsec - self->started.tv_nsec) / 1000);
	if (group >= 0)
		cgroup_counters_read(group, &counters);
	fill_cause(self, &counters, out);
	if (out->receipt)
		receipt_add_usage(out->receipt, &times, group >= 0 ? &counters : NULL, self->sample >= 0 ? &self->peak : NULL);
}

static void supervisor_finish(struct supervisor *self)
{
	fd_close(&self->signals);
	fd_close(&self->timer);
	fd_close(&self->settled);
	fd_close(&self->sample);
}

/* A timer for `milliseconds` from now where `wanted`; none is no error. */
static int open_timer_if(bool wanted, uint64_t milliseconds, int *out, struct sandbox_error *error)
{
	*out = wanted ? open_timer(milliseconds, error) : -1;
	return wanted && *out < 0 ? *out : 0;
}

int supervise(const struct plan *plan, struct container *container, const struct supervisor_chore *chore,
	struct sandbox_result *out, struct sandbox_error *error)
{
	auto_finish(supervisor_finish) struct supervisor self = {
		.plan = plan, .container = container, .chore = chore, .signals = -1, .timer = -1, .settled = -1,
		.sample = -1};
	int result, written;

	self.signals = signals_open(plan->terminal, error);
	if (self.signals < 0)
		return self.signals;
	result = open_timer_if(plan->timeout != 0, plan->timeout, &self.timer, error);
	if (result == 0)
		result = open_timer_if(chore->function != NULL, SUPERVISOR_SETTLED_MS, &self.settled, error);
	if (result == 0)
		result = open_timer_if(sampling_is_wanted(plan), 1, &self.sample, error);
	(void)clock_gettime(CLOCK_MONOTONIC, &self.started);
	if (result == 0)
		result = watch(&self, error);
	written = output_relay_end(&container->output, result == 0 ? error : NULL);
	test_point("supervise.ended");
	notice_full_root(&self);
	notice_lost_network(&self);
	if (result == 0)
		fill_result(&self, out);
	container->ended = result == 0;
	container->result = *out;
	return result < 0 ? result : written;
}
