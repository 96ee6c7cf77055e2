#include "runtime/session.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/uio.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/memory.h"
#include "base/scope.h"
#include "base/strings.h"
#include "base/test_switch.h"
#include "kernel/syscalls.h"
#include "runtime/payload.h"
#include "security/rlimit.h"

/* ---- the command ---- */

static int take_streams(const int *fds, struct sandbox_error *error)
{
	for (int fd = STDIN_FILENO; fd <= STDERR_FILENO; fd++)
		if (dup2(fds[SESSION_INPUT + fd], fd) < 0)
			return error_set(error, errno, "take over descriptor %d", fd);
	return 0;
}

/* The payload's plan with what the request says otherwise. Nothing is freed: the process becomes another program. */
static struct plan change_plan(const struct plan *plan, const struct session_request *request)
{
	struct plan changed = *plan;

	changed.terminal = request->terminal;
	changed.preserve_fds = 0;
	changed.command = request->command;
	changed.user = request->user ? request->user : plan->user;
	changed.workdir = request->workdir ? request->workdir : plan->workdir;
	changed.environment = (struct sandbox_strings){0};
	strings_add_all(&changed.environment, &plan->environment);
	for (size_t i = 0; i < request->environment.count; i++) {
		const char *equals = strchr(request->environment.items[i], '=');
		auto_free char *name = memory_text_n(request->environment.items[i],
			equals ? (size_t)(equals - request->environment.items[i]) : 0);

		if (equals)
			strings_set_variable(&changed.environment, name, equals + 1);
	}
	return changed;
}

/* The command does not wait until its caller has the other side: it finds the terminal as that one wants it. */
static int open_terminal(const struct plan *plan, const struct terminal_shape *shape, int channel, struct payload *payload,
	struct sandbox_error *error)
{
	auto_close int master = -1;
	int result;

	if (!plan->terminal)
		return 0;
	result = terminal_open_pair(plan->terminal, &master, &payload->terminal, error);
	if (result == 0)
		terminal_set_shape(payload->terminal, shape);
	return result < 0 ? result : channel_send(channel, CHANNEL_SETUP_DONE, 0, 0, &master, 1, error);
}

static int execute(const struct plan *plan, const struct sessions *sessions, const int *fds, struct sandbox_error *error)
{
	struct session_request request;
	struct payload payload;
	struct plan changed;
	int result = rlimits_restore(sessions->limits, error);

	if (result == 0)
		result = session_request_read(fds[SESSION_REQUEST], &request, error);
	if (result == 0)
		result = take_streams(fds, error);
	if (result < 0)
		return result;
	changed = change_plan(plan, &request);
	result = payload_resolve(&changed, &payload, error);
	if (result == 0)
		result = open_terminal(&changed, &request.shape, fds[SESSION_CHANNEL], &payload, error);
	test_point("session.ready");
	return result < 0 ? result : payload_execute(&changed, &payload, error);
}

static _Noreturn void session_main(const struct plan *plan, const struct sessions *sessions, const int *fds, int report)
{
	struct sandbox_error error = {0};

	(void)execute(plan, sessions, fds, &error);
	(void)fd_write_all(report, &error, sizeof(error));
	_exit(125);
}

/* ---- init ---- */

void sessions_init(struct sessions *sessions)
{
	rlimits_read(sessions->limits);
}

static int check(const struct plan *plan, struct sandbox_error *error)
{
	if (!plan->own_init)
		return 0;
	error_set(error, EOPNOTSUPP, "start another command");
	error_cause(error, SANDBOX_E_SANDBOX_STATE, "with --init=false our init stands outside of the sandbox");
	return error_fix(error, "start the sandbox without --init=false");
}

static void add(struct sessions *sessions, struct session session)
{
	sessions->items = memory_resize(sessions->items, sessions->count + 1, sizeof(*sessions->items));
	sessions->items[sessions->count++] = session;
}

static int start(struct sessions *sessions, const struct plan *plan, int *fds, struct sandbox_error *error)
{
	auto_close int report = -1, reporter = -1;
	int result = check(plan, error);
	pid_t child;

	if (result == 0)
		result = fd_pipe(&report, &reporter, error);
	if (result < 0)
		return result;
	child = kernel_clone(0, NULL, -1);
	if (child == 0)
		session_main(plan, sessions, fds, reporter);
	test_point("session.cloned");
	if (child < 0)
		return error_set(error, errno, "fork another command");
	add(sessions, (struct session){child, take_fd(&fds[SESSION_CHANNEL]), take_fd(&report)});
	return 0;
}

void sessions_start(struct sessions *sessions, const struct plan *plan, struct channel_message *request)
{
	struct sandbox_error error = {0};
	int *fds = request->fds;

	/* Whoever asked learns of it by the end of his channel, when it is not there. */
	if (request->fd_count == SESSION_FD_COUNT && start(sessions, plan, fds, &error) < 0)
		(void)channel_send_error(fds[SESSION_CHANNEL], &error);
	for (uint32_t i = 0; i < request->fd_count; i++)
		if (fds[i] >= 0)
			(void)close(fds[i]);
}

size_t sessions_poll_count(const struct sessions *sessions)
{
	return 2 * sessions->count;
}

void sessions_poll(const struct sessions *sessions, struct pollfd *events)
{
	for (size_t i = 0; i < sessions->count; i++) {
		events[2 * i] = (struct pollfd){.fd = sessions->items[i].channel, .events = POLLIN};
		events[2 * i + 1] = (struct pollfd){.fd = sessions->items[i].report, .events = POLLIN};
	}
}

/* Who asked may go away: the command goes on. */
static void hear(struct session *session)
{
	struct channel_message message;

	if (channel_receive(session->channel, &message, NULL) <= 0) {
		(void)close(take_fd(&session->channel));
		return;
	}
	channel_drop(&message);
	if (message.step == CHANNEL_SIGNAL)
		(void)kill(session->pid, message.value);
}

/*
 * Whether a process has begun to end: it gives its memory back first, then its descriptors, and can be waited for last.
 * An exec has given it new memory by the time that it closes descriptors. There is nothing to be read at that address.
 */
static bool is_ending(pid_t pid)
{
	char byte;
	struct iovec here = {&byte, 1}, there = {NULL, 1};

	return process_vm_readv(pid, &here, 1, &there, 1, 0) < 0 && errno == ESRCH;
}

/* The end of a report without a word is that of an exec, or of a process that was killed before. */
static void hear_report(struct session *session)
{
	auto_close int report = take_fd(&session->report);
	struct sandbox_error error;
	ssize_t size = fd_read_full(report, &error, sizeof(error));

	if (session->channel < 0)
		return;
	if (size == sizeof(error)) {
		error_sanitize(&error);
		(void)channel_send_error(session->channel, &error);
	} else if (!is_ending(session->pid)) {
		(void)channel_send(session->channel, CHANNEL_EXEC_OK, 0, 0, NULL, 0, NULL);
	}
}

void sessions_hear(struct sessions *sessions, const struct pollfd *events)
{
	for (size_t i = 0; i < sessions->count; i++) {
		if (events[2 * i].revents)
			hear(&sessions->items[i]);
		if (events[2 * i + 1].revents)
			hear_report(&sessions->items[i]);
	}
}

void sessions_reap(struct sessions *sessions, pid_t pid, int status)
{
	for (size_t i = 0; i < sessions->count; i++) {
		struct session session = sessions->items[i];

		/* Its number may soon be another's: nothing that is said of it may reach that one. */
		if (session.pid != pid || test_defence_removed("session-forgotten"))
			continue;
		if (session.report >= 0)
			hear_report(&session);
		if (session.channel >= 0) {
			(void)channel_send(session.channel, CHANNEL_EXITED, status, 0, NULL, 0, NULL);
			(void)close(session.channel);
		}
		sessions->items[i] = sessions->items[--sessions->count];
		return;
	}
}
