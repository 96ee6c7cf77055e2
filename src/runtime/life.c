/* What other commands do to sandboxes that can be found: sandbox/life.h. */
#include <sandbox/life.h>

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/pidfd.h>
#include <unistd.h>

#include "base/log.h"
#include "base/memory.h"
#include "base/scope.h"
#include "base/test_switch.h"
#include "runtime/channel.h"
#include "runtime/control.h"
#include "runtime/events.h"
#include "runtime/group.h"
#include "runtime/record.h"
#include "runtime/registry.h"

enum { LISTEN_RETRIES = 100, SETTLE_RETRIES = 20, LISTEN_PAUSE_MICROSECONDS = 10 * 1000 };

/* ---- looking ---- */

void sandbox_entries_finish(struct sandbox_entries *entries)
{
	for (size_t i = 0; i < entries->count; i++)
		sandbox_entry_finish(&entries->items[i]);
	free(entries->items);
	*entries = (struct sandbox_entries){0};
}

struct listing {
	bool all;
	struct sandbox_entries entries;
};

static int list_one(void *context, const struct registry_entry *entry, struct sandbox_error *error)
{
	struct listing *listing = context;
	struct sandbox_entry found;

	(void)error;
	/* One that cannot be read is half removed, or of another version: it is none of those that can be shown. */
	if (record_read(entry, &found, NULL) < 0)
		return 0;
	if (found.status != SANDBOX_RUNNING && !listing->all) {
		sandbox_entry_finish(&found);
		return 0;
	}
	listing->entries.items = memory_resize(listing->entries.items, listing->entries.count + 1, sizeof(found));
	listing->entries.items[listing->entries.count++] = found;
	return 0;
}

static int compare_age(const void *left, const void *right)
{
	const struct sandbox_entry *a = left, *b = right;

	if (a->created != b->created)
		return a->created < b->created ? 1 : -1;
	return strcmp(a->id, b->id);
}

int sandbox_list(const struct sandbox_locations *locations, bool all, struct sandbox_entries *out,
	struct sandbox_error *error)
{
	struct listing listing = {.all = all};
	int result;

	registry_sweep(locations->state, record_bury);
	groups_sweep(locations->runtime);
	result = registry_visit(locations->state, list_one, &listing, error);
	if (result < 0) {
		sandbox_entries_finish(&listing.entries);
		return result;
	}
	if (listing.entries.count)
		qsort(listing.entries.items, listing.entries.count, sizeof(*listing.entries.items), compare_age);
	*out = listing.entries;
	return 0;
}

int sandbox_look(const struct sandbox_locations *locations, const char *reference, struct sandbox_entry *out,
	struct sandbox_error *error)
{
	auto_finish(registry_entry_finish) struct registry_entry entry = REGISTRY_ENTRY_INIT;
	int result = registry_find(locations->state, reference, &entry, error);

	return result < 0 ? result : record_read(&entry, out, error);
}

/* ---- ending ---- */

static int ask(int connection, enum channel_step step, int32_t value, struct sandbox_error *error)
{
	struct channel_message message;
	int result = control_ask(connection, step, value, NULL, 0, error);

	test_point("life.asked");
	return result < 0 ? result : control_answer(connection, &message, error);
}

static int signal_entry(const struct registry_entry *entry, int number, struct sandbox_error *error)
{
	auto_close int connection = record_connect(entry, error);

	/* It is init that passes the signal on, and a paused one would not. */
	if (number == SIGKILL)
		group_unpause(entry->directory);
	return connection < 0 ? connection : ask(connection, CHANNEL_SIGNAL, number, error);
}

/* A connection on which the supervisor will tell of the end. Its own end tells, too. -ESRCH when that has come. */
static int await_end(const struct registry_entry *entry, enum control_wait why, struct sandbox_error *error)
{
	auto_close int connection = record_connect(entry, error);
	int result;

	if (connection < 0)
		return connection;
	result = control_ask(connection, CHANNEL_WAIT, (int32_t)why, NULL, 0, error);
	test_point("life.waits");
	return result < 0 ? result : take_fd(&connection);
}

/* True when it has come within `timeout` milliseconds. */
static bool has_told(int connection, uint64_t timeout)
{
	struct pollfd event = {.fd = connection, .events = POLLIN};

	return poll(&event, 1, timeout < INT32_MAX ? (int)timeout : INT32_MAX) > 0;
}

/* Waits for the end on such a connection. */
static int hear_end(int connection, struct sandbox_error *error)
{
	struct channel_message message;
	int result = control_answer(connection, &message, error);

	if (result != -ESRCH)
		return result;
	error_clear(error);
	return 0;
}

/* Nothing withstands that: who goes on to remove it shall find it ended. By one look, since an end can take the entry along. */
static int kill_entry(const struct registry_entry *entry, struct sandbox_error *error)
{
	auto_close int end = await_end(entry, CONTROL_WAIT_TO_END, error);
	int result;

	if (end < 0)
		return end == -ESRCH ? control_has_ended(error) : end;
	result = signal_entry(entry, SIGKILL, error);
	return result < 0 ? result : hear_end(end, error);
}

int sandbox_signal(const struct sandbox_locations *locations, const char *reference, int number,
	struct sandbox_error *error)
{
	auto_finish(registry_entry_finish) struct registry_entry entry = REGISTRY_ENTRY_INIT;
	int result = registry_find(locations->state, reference, &entry, error);

	if (result == 0)
		result = number == SIGKILL ? kill_entry(&entry, error) : signal_entry(&entry, number, error);
	if (result == 0)
		event_add(locations->runtime, &(struct event){.name = "kill", .id = entry.id,
			.sandbox = registry_entry_name(&entry), .signal = number});
	return result;
}

/* As await_end, also of one that does not listen yet, or any more. -EBUSY when it stays like that. */
static int await_end_of_live(const struct registry_entry *entry, struct sandbox_error *error)
{
	int end = await_end(entry, CONTROL_WAIT_TO_END, error);

	for (int i = 0; end == -ESRCH && record_is_running(entry); i++) {
		if (i == LISTEN_RETRIES)
			return registry_refuse_live(entry, error);
		usleep(LISTEN_PAUSE_MICROSECONDS);
		end = await_end(entry, CONTROL_WAIT_TO_END, error);
	}
	return end;
}

static int stop_entry(const struct registry_entry *entry, int number, uint64_t timeout, struct sandbox_error *error)
{
	auto_close int end = await_end_of_live(entry, error);
	int result;

	if (end == -ESRCH) {
		error_clear(error);
		return 0;
	}
	if (end < 0)
		return end;
	result = signal_entry(entry, number, error);
	if (result == 0 && number != SIGKILL && !has_told(end, timeout)) {
		log_debug("it has not ended in time: SIGKILL");
		result = signal_entry(entry, SIGKILL, error);
	}
	/* It may have ended before it could be asked to, or be about to. */
	if (result < 0 && result != -ESRCH)
		return result;
	error_clear(error);
	return hear_end(end, error);
}

int sandbox_stop(const struct sandbox_locations *locations, const char *reference, int number, uint64_t timeout,
	struct sandbox_error *error)
{
	auto_finish(registry_entry_finish) struct registry_entry entry = REGISTRY_ENTRY_INIT;
	auto_finish(sandbox_entry_finish) struct sandbox_entry found = {.id = ""};
	int result = registry_find(locations->state, reference, &entry, error);

	if (result == 0)
		result = record_read(&entry, &found, error);
	if (result < 0)
		return result;
	result = stop_entry(&entry, number ? number : found.stop_signal,
		timeout == SANDBOX_STOP_TIMEOUT ? found.stop_timeout : timeout, error);
	if (result == 0 && found.status == SANDBOX_RUNNING)
		event_add_of(locations->runtime, "stop", &entry);
	return result;
}

/* What a killed supervisor left has its lock for the time of its death. */
static enum sandbox_status settle(const struct registry_entry *entry, struct sandbox_result *out)
{
	for (int i = 0;; i++) {
		auto_finish(sandbox_entry_finish) struct sandbox_entry found = {.id = ""};

		if (record_read(entry, &found, NULL) < 0)
			return SANDBOX_DEAD;
		*out = found.result;
		if (found.status != SANDBOX_RUNNING || i == SETTLE_RETRIES)
			return found.status;
		usleep(LISTEN_PAUSE_MICROSECONDS);
	}
}

/* How one that runs no more has ended. */
static int read_result(const struct registry_entry *entry, struct sandbox_result *out, struct sandbox_error *error)
{
	enum sandbox_status status = settle(entry, out);
	const char *id = entry->id;

	if (status == SANDBOX_EXITED)
		return 0;
	error_set(error, ECHILD, "wait for %s", id);
	if (status == SANDBOX_CREATED) {
		error_cause(error, SANDBOX_E_SANDBOX_STATE, "it has not been started");
		return error_fix(error, "start it first: sandbox start %s", id);
	}
	if (status == SANDBOX_RUNNING) {
		error_cause(error, SANDBOX_E_SANDBOX_STATE, "it is starting or ending, or another command works on it");
		return error_fix(error, "try again: sandbox wait %s", id);
	}
	error_cause(error, SANDBOX_E_SANDBOX_STATE, "its supervisor was killed, so nobody knows how it ended");
	return error_fix(error, "see what it has written (sandbox logs %s), and remove it (sandbox rm %s)", id, id);
}

int sandbox_wait(const struct sandbox_locations *locations, const char *reference, struct sandbox_result *out,
	struct sandbox_error *error)
{
	auto_finish(registry_entry_finish) struct registry_entry entry = REGISTRY_ENTRY_INIT;
	struct channel_message message;
	auto_close int end = -1;
	int result = registry_find(locations->state, reference, &entry, error);

	if (result < 0)
		return result;
	end = await_end(&entry, CONTROL_WAIT_TO_KNOW, error);
	if (end < 0 && end != -ESRCH)
		return end;
	error_clear(error);
	result = end < 0 ? -ESRCH : control_answer(end, &message, error);
	if (result < 0 && result != -ESRCH)
		return result;
	error_clear(error);
	if (result < 0 || message.step != CHANNEL_EXITED || message.flags > SANDBOX_CAUSE_KILLED)
		return read_result(&entry, out, error);
	*out = (struct sandbox_result){(enum sandbox_cause)message.flags, message.value};
	return 0;
}

/* ---- removing ---- */

int sandbox_remove(const struct sandbox_locations *locations, const char *reference, bool force,
	struct sandbox_error *error)
{
	auto_finish(registry_entry_finish) struct registry_entry entry = REGISTRY_ENTRY_INIT;
	int result = registry_find(locations->state, reference, &entry, error);

	/* Of one that has ended nothing need be understood: a power cut may have emptied its record. */
	if (result == 0 && force && registry_is_live(&entry))
		result = stop_entry(&entry, SIGKILL, 0, error);
	if (result < 0)
		return result;
	result = registry_lock_idle(&entry, error);
	/* One with --rm takes its entry along. */
	if (result == -ENOENT && force) {
		error_clear(error);
		return 0;
	}
	if (result < 0)
		return result;
	result = registry_remove(&entry, record_bury, error);
	if (result == 0)
		event_add_of(locations->runtime, "rm", &entry);
	return result;
}
