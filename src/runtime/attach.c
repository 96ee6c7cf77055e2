/*
 * Taking part in a sandbox that runs in the background: sandbox_attach of sandbox/life.h. Its supervisor does nothing for
 * it but hand out a descriptor. What the command writes is read from the log, as `sandbox logs --follow` does, and what is
 * typed is written by this process to the command's terminal or pipe: so nobody who is attached can hold up the command,
 * its log, or anybody else, and there may be any number of them.
 */
#include <sandbox/life.h>

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/scope.h"
#include "process/detach_keys.h"
#include "process/terminal.h"
#include "runtime/channel.h"
#include "runtime/control.h"
#include "runtime/events.h"
#include "runtime/group.h"
#include "runtime/log_reader.h"
#include "runtime/record.h"
#include "runtime/registry.h"
#include "runtime/signals.h"

struct attach {
	const struct sandbox_locations *locations;
	const struct sandbox_attach_options *options;
	struct registry_entry entry;
	struct log_reader log;
	struct terminal terminal; /* the caller's, or whatever his standard input is */
	struct detach_keys keys;
	bool has_terminal; /* the sandbox */
	int signals;
	int ended_by; /* a signal of the caller's, or 0 */
	sigset_t previous;
};

static void attach_finish(struct attach *attach)
{
	terminal_finish(&attach->terminal);
	log_reader_finish(&attach->log);
	registry_entry_finish(&attach->entry);
	fd_close(&attach->signals);
	signals_restore(&attach->previous);
}

static void attach_init(struct attach *attach, const struct sandbox_locations *locations,
	const struct sandbox_attach_options *options)
{
	*attach = (struct attach){.locations = locations, .options = options, .entry = REGISTRY_ENTRY_INIT,
		.log = LOG_READER_INIT, .terminal = TERMINAL_INIT, .signals = -1};
	(void)sigprocmask(SIG_SETMASK, NULL, &attach->previous);
}

/* The descriptor that leads to the command's input, -1 where there is none, in *out. 0 or -errno. */
static int ask_input(struct attach *attach, int *out, struct sandbox_error *error)
{
	auto_close int supervisor = record_connect(&attach->entry, error);
	struct channel_message message;
	int result = supervisor < 0 ? supervisor : control_ask(supervisor, CHANNEL_ATTACH, 0, NULL, 0, error);

	if (result == 0)
		result = control_answer(supervisor, &message, error);
	if (result < 0)
		return result;
	*out = message.fd_count ? message.fds[0] : -1;
	return message.fd_count > 1 ? error_set(error, EPROTO, "attach") : 0;
}

/* A program that draws on a screen draws anew when the size changes: so it does, twice. */
static void ask_redraw(int master)
{
	struct winsize size;

	if (ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) < 0)
		return;
	size.ws_col++;
	(void)ioctl(master, TIOCSWINSZ, &size);
}

static int start_input(struct attach *attach, struct sandbox_error *error)
{
	auto_close int input = -1;
	int result = ask_input(attach, &input, error);

	if (result < 0)
		return result;
	attach->has_terminal = input >= 0 && isatty(input);
	if (input < 0 || attach->options->no_stdin)
		return 0;
	if (attach->has_terminal)
		ask_redraw(input);
	return terminal_start_input(&attach->terminal, take_fd(&input), &attach->keys, error);
}

static int refuse_paused(const struct registry_entry *entry, struct sandbox_error *error)
{
	error_set(error, EBUSY, "attach");
	error_cause(error, SANDBOX_E_SANDBOX_STATE, "the sandbox is paused");
	return error_fix(error, "sandbox unpause %s", entry->id);
}

static int find(struct attach *attach, const char *reference, struct sandbox_error *error)
{
	int result = registry_find(attach->locations->state, reference, &attach->entry, error);

	if (result < 0)
		return result;
	if (!registry_is_live(&attach->entry))
		return control_has_ended(error);
	return group_is_paused(attach->entry.directory) ? refuse_paused(&attach->entry, error) : 0;
}

/* False when this is the end: nobody has left us a way to pass it on. */
static bool pass_signal(struct attach *attach)
{
	int number = signals_handle(attach->signals, &attach->terminal, -1);

	if (!number)
		return true;
	if (!attach->options->sig_proxy || attach->has_terminal) {
		attach->ended_by = number;
		return false;
	}
	/* It may have ended meanwhile: the log's reader will hear that. */
	(void)sandbox_signal(attach->locations, attach->entry.id, number, NULL);
	return true;
}

enum { EVENT_SIGNALS, EVENT_TERMINAL, EVENT_LOG = EVENT_TERMINAL + TERMINAL_POLL_COUNT,
	EVENT_COUNT = EVENT_LOG + LOG_READER_POLL_COUNT };

/* Whether to go on. */
static bool handle_events(struct attach *attach, const struct pollfd events[EVENT_COUNT])
{
	if (events[EVENT_SIGNALS].revents && !pass_signal(attach))
		return false;
	terminal_copy(&attach->terminal, events + EVENT_TERMINAL);
	if (attach->terminal.left)
		return false;
	return log_reader_show(&attach->log, events + EVENT_LOG) == 0;
}

static int watch(struct attach *attach, struct sandbox_error *error)
{
	bool on = true;

	while (on && !log_reader_is_done(&attach->log)) {
		struct pollfd events[EVENT_COUNT] = {[EVENT_SIGNALS] = {.fd = attach->signals, .events = POLLIN}};

		terminal_poll(&attach->terminal, events + EVENT_TERMINAL);
		log_reader_poll(&attach->log, events + EVENT_LOG);
		if (poll(events, EVENT_COUNT, attach->log.more ? 0 : -1) >= 0)
			on = handle_events(attach, events);
		else if (errno != EINTR)
			return error_set(error, errno, "wait for the sandbox");
	}
	return 0;
}

/* How the sandbox has ended, unless we have left it. */
static int tell_end(struct attach *attach, bool *out_left, struct sandbox_result *out, struct sandbox_error *error)
{
	*out_left = !log_reader_is_done(&attach->log);
	if (attach->ended_by)
		*out = (struct sandbox_result){SANDBOX_CAUSE_SIGNAL, attach->ended_by};
	if (*out_left)
		return 0;
	terminal_finish(&attach->terminal);
	return log_reader_result(&attach->log, out, error);
}

int sandbox_attach(const struct sandbox_locations *locations, const char *reference,
	const struct sandbox_attach_options *options, bool *out_left, struct sandbox_result *out,
	struct sandbox_error *error)
{
	const struct sandbox_log_options from_now = {
		.follow = true, .from_end = true, .line = options->line, .context = options->context};
	auto_finish(attach_finish) struct attach attach;
	int result;

	*out = (struct sandbox_result){.cause = SANDBOX_CAUSE_EXIT};
	attach_init(&attach, locations, options);
	result = detach_keys_parse(options->detach_keys ? options->detach_keys : DETACH_KEYS_USUAL, &attach.keys, error);
	if (result == 0)
		result = find(&attach, reference, error);
	/* The log first, so that the answer to what is typed is not missed. */
	if (result == 0)
		result = log_reader_open(&attach.log, &attach.entry, &from_now, reference, error);
	signals_block(&attach.previous);
	if (result == 0)
		result = start_input(&attach, error);
	if (result < 0)
		return result;
	event_add_of(locations->runtime, "attach", &attach.entry);
	attach.signals = signals_open(attach.terminal.master >= 0, error);
	result = attach.signals < 0 ? attach.signals : watch(&attach, error);
	return result < 0 ? result : tell_end(&attach, out_left, out, error);
}
