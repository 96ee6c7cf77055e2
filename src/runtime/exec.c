/* One more command in a sandbox that runs: sandbox_exec of sandbox/life.h. The other side is runtime/session.c. */
#include <sandbox/life.h>

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/memory.h"
#include "base/scope.h"
#include "base/strings.h"
#include "process/environment.h"
#include "process/input_relay.h"
#include "process/output_relay.h"
#include "runtime/channel.h"
#include "runtime/plan.h"
#include "runtime/record.h"
#include "runtime/registry.h"
#include "runtime/session.h"
#include "runtime/signals.h"

struct exec {
	int channel; /* to init */
	int report;
	int signals;
	int theirs[SESSION_FD_COUNT]; /* to be sent */
	struct input_relay input;
	struct output_relay output;
	struct terminal terminal;
	sigset_t previous;
	int status; /* a raw wait status */
};

static void close_theirs(struct exec *exec)
{
	for (size_t i = 0; i < SESSION_FD_COUNT; i++)
		if (exec->theirs[i] >= 0)
			(void)close(take_fd(&exec->theirs[i]));
}

static void exec_finish(struct exec *exec)
{
	terminal_finish(&exec->terminal);
	input_relay_close(&exec->input);
	output_relay_close(&exec->output);
	close_theirs(exec);
	if (exec->channel >= 0)
		(void)close(take_fd(&exec->channel));
	if (exec->report >= 0)
		(void)close(take_fd(&exec->report));
	if (exec->signals >= 0)
		(void)close(take_fd(&exec->signals));
	signals_restore(&exec->previous);
}

static void exec_init(struct exec *exec)
{
	*exec = (struct exec){.channel = -1, .report = -1, .signals = -1, .terminal = TERMINAL_INIT,
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
	if (pipe2(ends, O_CLOEXEC) < 0)
		return error_set(error, errno, "make a pipe");
	exec->report = ends[0];
	exec->theirs[SESSION_REPORT] = ends[1];
	return 0;
}

void sandbox_exec_options_finish(struct sandbox_exec_options *options)
{
	sandbox_strings_finish(&options->command);
	sandbox_strings_finish(&options->env);
	sandbox_strings_finish(&options->env_file);
	free(options->user);
	free(options->workdir);
	*options = (struct sandbox_exec_options){.user = NULL};
}

/* ---- deciding ---- */

static int decide_terminal(const struct sandbox_exec_options *options, enum terminal_kind *out, struct sandbox_error *error)
{
	*out = options->detach ? TERMINAL_NONE : terminal_choose(options->no_tty);
	if (!options->tty || *out == TERMINAL_PTY)
		return 0;
	error_set(error, ENOTTY, "--tty");
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
	auto_finish(session_request_finish) struct session_request request = {.terminal = terminal};
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

static int prepare(struct exec *exec, const struct sandbox_exec_options *options, enum terminal_kind terminal,
	struct sandbox_error *error)
{
	int result = exec->theirs[SESSION_REQUEST] = make_request(options, terminal, error);

	if (result >= 0)
		result = make_wires(exec, error);
	if (result < 0)
		return result;
	return options->detach ? lend_nothing(exec->theirs + SESSION_INPUT, error)
			       : lend_streams(exec, error);
}

static int hand_over(struct exec *exec, const struct registry_entry *entry, struct sandbox_error *error)
{
	auto_close int supervisor = record_connect(entry, error);
	int result;

	if (supervisor < 0)
		return supervisor;
	result = channel_send(supervisor, CHANNEL_EXEC, 0, 0, exec->theirs, SESSION_FD_COUNT, error);
	if (result == 0)
		result = channel_expect(supervisor, CHANNEL_DONE, NULL, error);
	close_theirs(exec);
	return result;
}

/* The end of the report without a word is that of the exec, or of the whole sandbox: then the channel has ended, too. */
static int hear_report(const struct exec *exec, struct sandbox_error *error)
{
	struct sandbox_error reported;
	ssize_t size = fd_read_full(exec->report, &reported, sizeof(reported));

	if (size == 0)
		return 0;
	if (size != sizeof(reported))
		return error_set(error, EPROTO, "start the command");
	error_sanitize(&reported);
	if (error)
		*error = reported;
	return reported.code ? -reported.code : -EINVAL;
}

static int start_terminal(struct exec *exec, struct sandbox_error *error)
{
	struct channel_message message;
	int result = channel_expect(exec->channel, CHANNEL_SETUP_DONE, &message, error);

	if (result < 0)
		return result;
	if (message.fd_count != 1)
		return error_set(error, EPROTO, "set up the terminal");
	return terminal_start(&exec->terminal, message.fds[0], error);
}

/* False when it has nothing more to say: the command has ended, or all of the sandbox. */
static bool hear_init(struct exec *exec)
{
	struct channel_message message;

	if (channel_receive(exec->channel, &message, NULL) <= 0) {
		exec->status = SIGKILL;
		return false;
	}
	exec->status = message.value;
	return message.step != CHANNEL_EXITED;
}

enum { EVENT_CHANNEL, EVENT_SIGNALS, EVENT_TERMINAL, EVENT_INPUT = EVENT_TERMINAL + TERMINAL_POLL_COUNT, EVENT_OUTPUT,
	EVENT_COUNT = EVENT_OUTPUT + OUTPUT_RELAY_COUNT };

static int watch(struct exec *exec, struct sandbox_error *error)
{
	struct pollfd events[EVENT_COUNT] = {
		[EVENT_CHANNEL] = {.fd = exec->channel, .events = POLLIN},
		[EVENT_SIGNALS] = {.fd = exec->signals, .events = POLLIN},
	};

	for (;;) {
		terminal_poll(&exec->terminal, events + EVENT_TERMINAL);
		input_relay_poll(&exec->input, events + EVENT_INPUT);
		output_relay_poll(&exec->output, events + EVENT_OUTPUT);
		if (poll(events, array_count(events), -1) < 0) {
			if (errno != EINTR)
				return error_set(error, errno, "wait for the command");
			continue;
		}
		if (events[EVENT_SIGNALS].revents)
			signals_handle(exec->signals, &exec->terminal, exec->channel);
		terminal_copy(&exec->terminal, events + EVENT_TERMINAL);
		input_relay_copy(&exec->input, events + EVENT_INPUT);
		output_relay_copy(&exec->output, events + EVENT_OUTPUT);
		if (events[EVENT_CHANNEL].revents && !hear_init(exec))
			return 0;
	}
}

static int run(struct exec *exec, enum terminal_kind terminal, struct sandbox_error *error)
{
	int result = 0;

	signals_block(&exec->previous);
	if (terminal)
		result = start_terminal(exec, error);
	if (result < 0)
		return result;
	exec->signals = signals_open(terminal, error);
	return exec->signals < 0 ? exec->signals : watch(exec, error);
}

int sandbox_exec(const struct sandbox_locations *locations, const char *reference,
	const struct sandbox_exec_options *options, struct sandbox_result *out, struct sandbox_error *error)
{
	auto_finish(registry_entry_finish) struct registry_entry entry = REGISTRY_ENTRY_INIT;
	auto_finish(exec_finish) struct exec exec;
	enum terminal_kind terminal;
	int result;

	exec_init(&exec);
	*out = (struct sandbox_result){SANDBOX_CAUSE_EXIT, 0};
	result = decide_terminal(options, &terminal, error);
	if (result == 0)
		result = registry_find(locations->state, reference, &entry, error);
	if (result == 0)
		result = prepare(&exec, options, terminal, error);
	if (result == 0)
		result = hand_over(&exec, &entry, error);
	if (result == 0)
		result = hear_report(&exec, error);
	if (result < 0 || options->detach)
		return result;
	result = run(&exec, terminal, error);
	if (result == 0)
		result = output_relay_end(&exec.output, error);
	if (result == 0)
		*out = WIFSIGNALED(exec.status) ? (struct sandbox_result){SANDBOX_CAUSE_SIGNAL, WTERMSIG(exec.status)}
						: (struct sandbox_result){SANDBOX_CAUSE_EXIT, WEXITSTATUS(exec.status)};
	return result;
}
