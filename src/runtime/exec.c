/* One more command in a sandbox that runs: sandbox_exec of sandbox/life.h. The other side is runtime/session.c. */
#include <sandbox/life.h>

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/memory.h"
#include "base/scope.h"
#include "base/strings.h"
#include "base/test_switch.h"
#include "process/environment.h"
#include "process/input_relay.h"
#include "process/output_relay.h"
#include "runtime/channel.h"
#include "runtime/control.h"
#include "runtime/events.h"
#include "runtime/group.h"
#include "runtime/plan.h"
#include "runtime/record.h"
#include "runtime/registry.h"
#include "runtime/session.h"
#include "runtime/signals.h"
#include "runtime/status.h"

struct exec {
	int supervisor; /* until it has passed the request on */
	int channel;    /* to init */
	int signals;
	int theirs[SESSION_FD_COUNT]; /* to be sent */
	enum terminal_kind kind;
	struct input_relay input;
	struct output_relay output;
	struct terminal terminal;
	sigset_t previous;
	bool detached;
	bool started;     /* the command runs, or has run */
	bool interrupted; /* a signal came before that */
	int status;       /* a raw wait status */
	int status_fd;    /* or -1 */
	const char *runtime; /* for events; both borrowed */
	const struct registry_entry *entry;
};

static void close_theirs(struct exec *exec)
{
	for (size_t i = 0; i < SESSION_FD_COUNT; i++)
		fd_close(&exec->theirs[i]);
}

static void exec_finish(struct exec *exec)
{
	terminal_finish(&exec->terminal);
	input_relay_close(&exec->input);
	output_relay_close(&exec->output);
	close_theirs(exec);
	fd_close(&exec->channel);
	fd_close(&exec->supervisor);
	fd_close(&exec->signals);
	signals_restore(&exec->previous);
}

static void exec_init(struct exec *exec)
{
	*exec = (struct exec){.supervisor = -1, .status_fd = -1, .channel = -1, .signals = -1, .terminal = TERMINAL_INIT,
		.input = {.writer = -1}, .output = OUTPUT_RELAY_INIT};
	for (size_t i = 0; i < SESSION_FD_COUNT; i++)
		exec->theirs[i] = -1;
	(void)sigprocmask(SIG_SETMASK, NULL, &exec->previous);
}

static int make_wires(struct exec *exec, struct sandbox_error *error)
{
	int ends[2];
	int result = channel_make(ends, error);

	if (result < 0)
		return result;
	exec->channel = ends[0];
	exec->theirs[SESSION_CHANNEL] = ends[1];
	return 0;
}

void sandbox_exec_options_finish(struct sandbox_exec_options *options)
{
	sandbox_strings_finish(&options->command);
	sandbox_strings_finish(&options->env);
	sandbox_strings_finish(&options->env_file);
	free(options->user);
	free(options->workdir);
	free(options->status_fd);
	*options = (struct sandbox_exec_options){.user = NULL};
}

/* ---- deciding ---- */

static int decide_terminal(const struct sandbox_exec_options *options, enum terminal_kind *out, struct sandbox_error *error)
{
	*out = options->detach ? TERMINAL_NONE : terminal_choose(options->no_tty);
	if (!options->tty || *out == TERMINAL_PTY)
		return 0;
	error_set(error, 0, "--tty");
	error_cause(error, SANDBOX_E_USAGE, "%s", options->detach ? "nobody would see what a detached command writes there"
		: "standard output is not a terminal, or --no-tty was given");
	return error_fix(error, "leave --tty out");
}

static int check_command(const struct sandbox_exec_options *options, struct sandbox_error *error)
{
	const char *workdir = options->workdir ? options->workdir : "/";

	if (!options->command.count) {
		error_set(error, 0, "exec");
		error_cause(error, SANDBOX_E_USAGE, "there is no command");
		return error_fix(error, "sandbox exec SANDBOX COMMAND [ARG...]");
	}
	if (*workdir == '/')
		return 0;
	error_set(error, 0, "--workdir \"%s\"", workdir);
	error_cause(error, SANDBOX_E_USAGE, "the working directory must be an absolute path inside the sandbox");
	return error_fix(error, "--workdir /%s", workdir);
}

/* A memfd or -errno. */
static int make_request(const struct sandbox_exec_options *options, enum terminal_kind terminal,
	struct sandbox_error *error)
{
	static const struct sandbox_strings none;
	const struct environment_request variables = {
		.files = &options->env_file, .assignments = &options->env, .removed = &none};
	auto_finish(session_request_finish) struct session_request request = {
		.terminal = terminal, .shape = terminal_shape_of_caller()};
	auto_finish(sandbox_strings_finish) struct sandbox_strings origins = {0};
	int result = check_command(options, error);

	if (result == 0)
		result = environment_extend(&variables, &request.environment, &origins, error);
	if (result < 0)
		return result;
	strings_add_all(&request.command, &options->command);
	request.user = memory_text(options->user);
	request.workdir = memory_text(options->workdir);
	return session_request_write(&request, error);
}

/* ---- doing ---- */

static int lend_nothing(int out[], struct sandbox_error *error)
{
	for (int fd = STDIN_FILENO; fd <= STDERR_FILENO; fd++) {
		out[fd] = open("/dev/null", O_RDWR | O_CLOEXEC);
		if (out[fd] < 0)
			return error_set(error, errno, "open /dev/null");
	}
	return 0;
}

/* Copies of the caller's streams, or of the pipes that stand for files. */
static int lend_streams(struct exec *exec, struct sandbox_error *error)
{
	int *streams = exec->theirs + SESSION_INPUT;
	int result = plan_check_streams(error);

	if (result == 0)
		result = input_relay_open(&exec->input, &streams[STDIN_FILENO], error);
	if (result == 0)
		result = output_relay_lend(&exec->output, error);
	for (int fd = STDOUT_FILENO; fd <= STDERR_FILENO && result == 0; fd++) {
		streams[fd] = fcntl(fd, F_DUPFD_CLOEXEC, 3);
		if (streams[fd] < 0)
			result = error_set(error, errno, "copy descriptor %d", fd);
	}
	output_relay_restore(&exec->output);
	return result;
}

static int prepare(struct exec *exec, const struct sandbox_exec_options *options, struct sandbox_error *error)
{
	int result = exec->theirs[SESSION_REQUEST] = make_request(options, exec->kind, error);

	if (result >= 0)
		result = make_wires(exec, error);
	if (result < 0)
		return result;
	return options->detach ? lend_nothing(exec->theirs + SESSION_INPUT, error)
			       : lend_streams(exec, error);
}

static int refuse_paused(const char *reference, struct sandbox_error *error)
{
	error_set(error, EBUSY, "start the command");
	error_cause(error, SANDBOX_E_SANDBOX_STATE, "the sandbox is paused");
	return error_fix(error, "sandbox unpause %s", reference);
}

/* Nothing is waited for: what the supervisor answers is one of the events. */
static int hand_over(struct exec *exec, const struct registry_entry *entry, struct sandbox_error *error)
{
	int result;

	exec->supervisor = record_connect(entry, error);
	if (exec->supervisor < 0)
		return exec->supervisor;
	test_point("exec.connected");
	result = control_ask(exec->supervisor, CHANNEL_EXEC, 0, exec->theirs, SESSION_FD_COUNT, error);
	close_theirs(exec);
	test_point("exec.asked");
	return result;
}

/* It has passed the request on, or says why it cannot. */
static int hear_supervisor(struct exec *exec, struct sandbox_error *error)
{
	auto_close int supervisor = take_fd(&exec->supervisor);
	struct channel_message message;

	return control_answer(supervisor, &message, error);
}

/* The channel ends before its time when init could not take it, or has ended. */
static int lose_init(struct exec *exec, struct sandbox_error *error)
{
	exec->status = SIGKILL;
	if (exec->started)
		return 0;
	error_set(error, ECHILD, "start the command");
	error_cause(error, SANDBOX_E_CHILD_DIED, "the sandbox has ended, or a process in it lets its init open no more files");
	return error_fix(error, "see `sandbox ps -a`");
}

static void tell(const struct exec *exec)
{
	event_add_of(exec->runtime, "exec", exec->entry);
	status_tell(exec->status_fd, &(struct event){.name = "exec", .id = exec->entry->id,
		.sandbox = registry_entry_name(exec->entry)});
}

static void tell_end(const struct exec *exec, const struct sandbox_result *result)
{
	status_tell(exec->status_fd, &(struct event){.name = "exec_die", .id = exec->entry->id,
		.sandbox = registry_entry_name(exec->entry), .result = result});
}

/* A command that init has not seen running: with a status of its own it has run; by a signal nobody knows. */
static int hear_end(struct exec *exec, int status, struct sandbox_error *error)
{
	exec->status = status;
	test_point("exec.ended");
	if (!exec->started && !WIFSIGNALED(status))
		tell(exec);
	if (exec->started || !exec->detached || !WIFSIGNALED(status))
		return 0;
	error_set(error, ECHILD, "start the command");
	error_cause(error, SANDBOX_E_CHILD_DIED, "signal %d ended it at once", WTERMSIG(status));
	return error_fix(error, "run it without --detach, and see what it says");
}

/* 1 when there is more to come, 0 at the end, or -errno. */
static int hear_init(struct exec *exec, struct sandbox_error *error)
{
	struct channel_message message;
	int result = channel_receive(exec->channel, &message, error);

	if (result <= 0)
		return result < 0 ? result : lose_init(exec, error);
	switch (message.step) {
	case CHANNEL_SETUP_DONE:
		if (message.fd_count != 1 || exec->terminal.master >= 0)
			return error_set(error, EPROTO, "set up the terminal");
		result = terminal_start(&exec->terminal, message.fds[0], error);
		return result < 0 ? result : 1;
	case CHANNEL_EXEC_OK:
		exec->started = true;
		test_point("exec.started");
		tell(exec);
		return !exec->detached;
	case CHANNEL_EXITED:
		return hear_end(exec, message.value, error);
	case CHANNEL_ERROR:
		if (error)
			*error = message.error;
		return message.error.code ? -message.error.code : -EINVAL;
	default:
		return error_set(error, EPROTO, "start the command");
	}
}

/* The command's, as soon as there is one; a second one before that is for us: whoever should start it does not answer. */
static int pass_signal(struct exec *exec, struct sandbox_error *error)
{
	int number = signals_handle(exec->signals, &exec->terminal, exec->channel);
	bool again = exec->interrupted;

	if (!number || exec->started)
		return 0;
	exec->interrupted = true;
	if (!again)
		return 0;
	error_set(error, EINTR, "start the command");
	error_cause(error, SANDBOX_E_CHILD_DIED, "a second signal came before the sandbox had answered");
	return error_fix(error, "see with `sandbox top %s` whether it started all the same", record_title(exec->entry));
}

enum { EVENT_CHANNEL, EVENT_SUPERVISOR, EVENT_SIGNALS, EVENT_TERMINAL, EVENT_INPUT = EVENT_TERMINAL + TERMINAL_POLL_COUNT,
	EVENT_OUTPUT, EVENT_COUNT = EVENT_OUTPUT + OUTPUT_RELAY_COUNT };

/* What one poll has found: 1 when there is more to come, 0 at the end, or -errno. */
static int handle_events(struct exec *exec, const struct pollfd events[EVENT_COUNT], struct sandbox_error *error)
{
	int result = events[EVENT_SUPERVISOR].revents ? hear_supervisor(exec, error) : 0;

	if (result == 0 && events[EVENT_SIGNALS].revents)
		result = pass_signal(exec, error);
	if (result < 0)
		return result;
	terminal_copy(&exec->terminal, events + EVENT_TERMINAL);
	input_relay_copy(&exec->input, events + EVENT_INPUT);
	output_relay_copy(&exec->output, events + EVENT_OUTPUT);
	return events[EVENT_CHANNEL].revents ? hear_init(exec, error) : 1;
}

static int watch(struct exec *exec, struct sandbox_error *error)
{
	int result = 1;

	while (result > 0) {
		struct pollfd events[EVENT_COUNT] = {
			[EVENT_CHANNEL] = {.fd = exec->channel, .events = POLLIN},
			[EVENT_SUPERVISOR] = {.fd = exec->supervisor, .events = POLLIN},
			[EVENT_SIGNALS] = {.fd = exec->signals, .events = POLLIN},
		};

		terminal_poll(&exec->terminal, events + EVENT_TERMINAL);
		input_relay_poll(&exec->input, events + EVENT_INPUT);
		output_relay_poll(&exec->output, events + EVENT_OUTPUT);
		if (poll(events, EVENT_COUNT, -1) >= 0)
			result = handle_events(exec, events, error);
		else if (errno != EINTR)
			result = error_set(error, errno, "wait for the command");
	}
	return result;
}

/* From here on a signal is the command's, and no end of ours that would leave it alone. */
static int run(struct exec *exec, const struct registry_entry *entry, struct sandbox_error *error)
{
	int result;

	signals_block(&exec->previous);
	exec->signals = signals_open(exec->kind, error);
	result = exec->signals < 0 ? exec->signals : hand_over(exec, entry, error);
	return result < 0 ? result : watch(exec, error);
}

int sandbox_exec(const struct sandbox_locations *locations, const char *reference,
	const struct sandbox_exec_options *options, struct sandbox_result *out, struct sandbox_error *error)
{
	auto_finish(registry_entry_finish) struct registry_entry entry = REGISTRY_ENTRY_INIT;
	auto_finish(exec_finish) struct exec exec;
	int result;

	exec_init(&exec);
	exec.detached = options->detach;
	exec.runtime = locations->runtime;
	exec.entry = &entry;
	*out = (struct sandbox_result){SANDBOX_CAUSE_EXIT, 0};
	result = decide_terminal(options, &exec.kind, error);
	if (result == 0)
		result = status_decide(options->status_fd, 0, &exec.status_fd, error);
	if (result == 0)
		result = registry_find(locations->state, reference, &entry, error);
	if (result == 0 && group_is_paused(entry.directory))
		result = refuse_paused(reference, error);
	if (result == 0)
		result = prepare(&exec, options, error);
	if (result == 0)
		result = run(&exec, &entry, error);
	if (result < 0)
		status_tell_failure(options->status_fd, error);
	if (result < 0 || options->detach)
		return result;
	*out = WIFSIGNALED(exec.status) ? (struct sandbox_result){SANDBOX_CAUSE_SIGNAL, WTERMSIG(exec.status)}
					: (struct sandbox_result){SANDBOX_CAUSE_EXIT, WEXITSTATUS(exec.status)};
	tell_end(&exec, out);
	return output_relay_end(&exec.output, error);
}
