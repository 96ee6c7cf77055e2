#include "runtime/session.h"

#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/memory.h"
#include "base/scope.h"
#include "base/strings.h"
#include "base/test_switch.h"
#include "kernel/syscalls.h"
#include "runtime/payload.h"

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

static int open_terminal(const struct plan *plan, int channel, struct payload *payload, struct sandbox_error *error)
{
	auto_close int master = -1;
	int result;

	if (!plan->terminal)
		return 0;
	result = terminal_open_pair(plan->terminal, &master, &payload->terminal, error);
	return result < 0 ? result : channel_send(channel, CHANNEL_SETUP_DONE, 0, 0, &master, 1, error);
}

static int execute(const struct plan *plan, const int *fds, struct sandbox_error *error)
{
	struct session_request request;
	struct payload payload;
	struct plan changed;
	int result = session_request_read(fds[SESSION_REQUEST], &request, error);

	if (result == 0)
		result = take_streams(fds, error);
	if (result < 0)
		return result;
	changed = change_plan(plan, &request);
	result = payload_resolve(&changed, &payload, error);
	if (result == 0)
		result = open_terminal(&changed, fds[SESSION_CHANNEL], &payload, error);
	test_point("session.ready");
	return result < 0 ? result : payload_execute(&changed, &payload, error);
}

static _Noreturn void session_main(const struct plan *plan, const int *fds)
{
	struct sandbox_error error = {0};

	(void)execute(plan, fds, &error);
	(void)fd_write_all(fds[SESSION_REPORT], &error, sizeof(error));
	_exit(125);
}

/* ---- init ---- */

static int check(const struct plan *plan, const struct channel_message *request, struct sandbox_error *error)
{
	if (request->fd_count != SESSION_FD_COUNT)
		return error_set(error, EPROTO, "start another command");
	if (!plan->own_init)
		return 0;
	error_set(error, EOPNOTSUPP, "start another command");
	error_cause(error, SANDBOX_E_SANDBOX_STATE, "with --init=false our init stands outside of the sandbox");
	return error_fix(error, "start the sandbox without --init=false");
}

static void add(struct sessions *sessions, pid_t pid, int channel)
{
	sessions->items = memory_resize(sessions->items, sessions->count + 1, sizeof(*sessions->items));
	sessions->items[sessions->count++] = (struct session){pid, channel};
}

void sessions_start(struct sessions *sessions, const struct plan *plan, struct channel_message *request)
{
	struct sandbox_error error = {0};
	int *fds = request->fds;
	pid_t child = -1;

	if (check(plan, request, &error) == 0) {
		child = kernel_clone(0, NULL, -1);
		if (child == 0)
			session_main(plan, fds);
		if (child > 0)
			add(sessions, child, take_fd(&fds[SESSION_CHANNEL]));
		else
			(void)error_set(&error, errno, "fork another command");
	}
	if (child < 0 && request->fd_count == SESSION_FD_COUNT)
		(void)fd_write_all(fds[SESSION_REPORT], &error, sizeof(error));
	for (uint32_t i = 0; i < request->fd_count; i++)
		if (fds[i] >= 0)
			(void)close(fds[i]);
}

void sessions_poll(const struct sessions *sessions, struct pollfd *events)
{
	for (size_t i = 0; i < sessions->count; i++)
		events[i] = (struct pollfd){.fd = sessions->items[i].channel, .events = POLLIN};
}

/* Who asked may go away: the command goes on. */
static void hear(struct session *session)
{
	struct channel_message message;

	if (channel_receive(session->channel, &message, NULL) <= 0) {
		(void)close(take_fd(&session->channel));
		return;
	}
	for (uint32_t i = 0; i < message.fd_count; i++)
		(void)close(message.fds[i]);
	if (message.step == CHANNEL_SIGNAL)
		(void)kill(session->pid, message.value);
}

void sessions_hear(struct sessions *sessions, const struct pollfd *events)
{
	for (size_t i = 0; i < sessions->count; i++)
		if (events[i].revents)
			hear(&sessions->items[i]);
}

void sessions_reap(struct sessions *sessions, pid_t pid, int status)
{
	for (size_t i = 0; i < sessions->count; i++) {
		struct session session = sessions->items[i];

		if (session.pid != pid)
			continue;
		if (session.channel >= 0) {
			(void)channel_send(session.channel, CHANNEL_EXITED, status, 0, NULL, 0, NULL);
			(void)close(session.channel);
		}
		sessions->items[i] = sessions->items[--sessions->count];
		return;
	}
}
