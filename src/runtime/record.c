#include "runtime/record.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "base/file.h"
#include "base/json.h"
#include "base/memory.h"
#include "base/scope.h"
#include "image/record.h"
#include "runtime/control.h"
#include "runtime/kept.h"

enum { RECORD_SIZE_MAX = 1 << 22, RECORD_VERSION = 1, GRACE_MILLISECONDS = 10 * 1000 };
enum { LISTEN_RETRIES = 100, LISTEN_PAUSE_MICROSECONDS = 10 * 1000 };

static const char record_name[] = "record.json";
static const char exit_name[] = "exit.json";

_Static_assert((int)SANDBOX_ID_SIZE == (int)REGISTRY_ID_SIZE, "the public size is that of the ids inside");

void sandbox_entry_finish(struct sandbox_entry *entry)
{
	free(entry->name);
	free(entry->image);
	free(entry->digest);
	sandbox_strings_finish(&entry->command);
	sandbox_strings_finish(&entry->labels);
	*entry = (struct sandbox_entry){.id = ""};
}

const char *record_title(const struct registry_entry *entry)
{
	const char *name = registry_entry_name(entry);

	return name ? name : entry->id;
}

/* ---- reading ---- */

/* What the public entry does not tell. */
struct record_rest {
	char boot[40]; /* random(4): that in which it was started */
	uint64_t exit_starts; /* which start the end belongs to */
};

/* The caller frees the object. */
static int read_json(const struct registry_entry *entry, const char *name, struct json_object **out,
	struct sandbox_error *error)
{
	auto_free char *text = NULL;
	uint64_t version;
	size_t size;
	int result = file_read(entry->directory, name, RECORD_SIZE_MAX, &text, &size, error);

	if (result == 0)
		result = json_parse(text, size, name, out, error);
	return result < 0 ? result : json_get_unsigned(*out, name, "version", false, RECORD_VERSION, &version, error);
}

static int read_texts(struct json_object *record, struct sandbox_entry *out, struct record_rest *rest,
	struct sandbox_error *error)
{
	const char *image = NULL, *digest = NULL, *boot = "";
	int result = json_get_string(record, record_name, "image", false, &image, error);

	if (result == 0)
		result = json_get_string(record, record_name, "digest", true, &digest, error);
	if (result == 0)
		result = json_get_string(record, record_name, "boot", true, &boot, error);
	if (result == 0)
		result = json_get_strings(record, record_name, "command", false, &out->command, error);
	if (result == 0)
		result = json_get_strings(record, record_name, "labels", true, &out->labels, error);
	out->image = memory_text(image);
	out->digest = memory_text(digest);
	(void)snprintf(rest->boot, sizeof(rest->boot), "%s", boot);
	return result;
}

static int read_record(struct json_object *record, struct sandbox_entry *out, struct record_rest *rest,
	struct sandbox_error *error)
{
	uint64_t detached = 0, kept = 0, remove = 0, created = 0, starts = 1, started = 0, signal = 0;
	int result = read_texts(record, out, rest, error);

	if (result == 0)
		result = json_get_unsigned(record, record_name, "detached", false, 1, &detached, error);
	if (result == 0)
		result = json_get_unsigned(record, record_name, "kept", true, 1, &kept, error);
	if (result == 0)
		result = json_get_unsigned(record, record_name, "remove", false, 1, &remove, error);
	if (result == 0)
		result = json_get_unsigned(record, record_name, "created", false, INT64_MAX, &created, error);
	if (result == 0)
		result = json_get_unsigned(record, record_name, "starts", true, INT64_MAX, &starts, error);
	if (result == 0)
		result = json_get_unsigned(record, record_name, "started", true, INT64_MAX, &started, error);
	if (result == 0)
		result = json_get_unsigned(record, record_name, "stop_signal", true, 64, &signal, error);
	out->stop_timeout = GRACE_MILLISECONDS;
	if (result == 0)
		result = json_get_unsigned(record, record_name, "stop_timeout", true, UINT64_MAX, &out->stop_timeout, error);
	out->stop_signal = signal ? (int)signal : SIGTERM;
	out->detached = detached;
	out->kept = kept;
	out->remove = remove;
	out->created = (int64_t)created;
	out->starts = starts;
	out->started = started ? (int64_t)started : out->created;
	return result;
}

static int find_cause(const char *word, enum sandbox_cause *out, struct sandbox_error *error)
{
	for (enum sandbox_cause cause = SANDBOX_CAUSE_EXIT; sandbox_cause_name(cause); cause++)
		if (strcmp(sandbox_cause_name(cause), word) == 0) {
			*out = cause;
			return 0;
		}
	return error_set(error, EINVAL, "%s.cause: not a cause", exit_name);
}

static int read_exit(struct json_object *record, struct sandbox_entry *out, struct record_rest *rest,
	struct sandbox_error *error)
{
	uint64_t number = 0, ended = 0;
	const char *cause = "";
	int result = json_get_string(record, exit_name, "cause", false, &cause, error);

	if (result == 0)
		result = find_cause(cause, &out->result.cause, error);
	if (result == 0)
		result = json_get_unsigned(record, exit_name, "number", false, 255, &number, error);
	if (result == 0)
		result = json_get_unsigned(record, exit_name, "ended", false, INT64_MAX, &ended, error);
	rest->exit_starts = 1;
	if (result == 0)
		result = json_get_unsigned(record, exit_name, "starts", true, INT64_MAX, &rest->exit_starts, error);
	out->result.number = (int)number;
	out->ended = (int64_t)ended;
	return result;
}

/* What makes no sense is as good as absent: a power cut may have come before it was on the disk. */
static bool is_damage(int result)
{
	return result == -ENOENT || result == -EINVAL || result == -ERANGE || result == -EFBIG;
}

/* 1 or 0, or -errno. */
static int has_exited(const struct registry_entry *entry, struct sandbox_entry *out, struct record_rest *rest,
	struct sandbox_error *error)
{
	auto_finish(json_free) struct json_object *record = NULL;
	int result = read_json(entry, exit_name, &record, error);

	if (result == 0)
		result = read_exit(record, out, rest, error);
	if (result == 0)
		return rest->exit_starts == out->starts;
	if (!is_damage(result))
		return result;
	error_clear(error);
	return 0;
}

/* Nobody has written down how it ended, and the machine was started again since: it went down with that. */
static bool went_down(const struct record_rest *rest, struct sandbox_entry *out)
{
	struct boot_identity now;
	struct timespec uptime;

	boot_identity_read(&now);
	if (!*rest->boot || !*now.boot || strcmp(rest->boot, now.boot) == 0)
		return false;
	(void)clock_gettime(CLOCK_BOOTTIME, &uptime);
	out->ended = (int64_t)(time(NULL) - uptime.tv_sec);
	out->result = (struct sandbox_result){.cause = SANDBOX_CAUSE_KILLED, .number = SIGKILL};
	return true;
}

static int decide_status(const struct registry_entry *entry, bool live, struct record_rest *rest, struct sandbox_entry *out,
	struct sandbox_error *error)
{
	/* Its end is written down a moment before its lock is given back. */
	int exited = out->starts ? has_exited(entry, out, rest, error) : 0;

	if (exited < 0)
		return exited;
	if (!out->starts)
		out->status = SANDBOX_CREATED;
	else if (exited)
		out->status = SANDBOX_EXITED;
	else if (live)
		out->status = SANDBOX_RUNNING;
	else
		out->status = went_down(rest, out) ? SANDBOX_EXITED : SANDBOX_DEAD;
	return 0;
}

static int load(const struct registry_entry *entry, bool live, struct sandbox_entry *out, struct sandbox_error *error)
{
	auto_finish(sandbox_entry_finish) struct sandbox_entry found = {.id = ""};
	struct json_object *record = NULL;
	struct record_rest rest = {.boot = ""};
	int result = read_json(entry, record_name, &record, error);

	if (result == 0)
		result = read_record(record, &found, &rest, error);
	json_free(&record);
	if (result < 0)
		return result;
	found.name = memory_text(registry_entry_name(entry));
	memcpy(found.id, entry->id, sizeof(found.id));
	result = decide_status(entry, live, &rest, &found, error);
	if (result < 0)
		return result;
	*out = found;
	found = (struct sandbox_entry){.id = ""};
	return 0;
}

int record_read(const struct registry_entry *entry, struct sandbox_entry *out, struct sandbox_error *error)
{
	return load(entry, registry_is_live(entry), out, error);
}

int record_read_own(const struct registry_entry *entry, struct sandbox_entry *out, struct sandbox_error *error)
{
	return load(entry, false, out, error);
}

/* ---- writing ---- */

int record_write(const struct registry_entry *entry, const struct plan *plan, const char *runtime, uint64_t starts,
	int64_t created, struct sandbox_error *error)
{
	auto_finish(json_free) struct json_object *record = json_new_object();
	struct boot_identity boot;
	auto_free char *text = NULL;

	boot_identity_read(&boot);
	json_add_unsigned(record, "version", RECORD_VERSION);
	json_add_string(record, "image", plan->image);
	json_add_string(record, "digest", plan->digest);
	json_add_strings(record, "command", &plan->command);
	json_add_strings(record, "labels", &plan->labels);
	json_add_string(record, "runtime", runtime);
	json_add_unsigned(record, "detached", plan->supervision == SUPERVISION_DETACHED);
	json_add_unsigned(record, "kept", plan->kept);
	json_add_unsigned(record, "remove", plan->remove);
	json_add_unsigned(record, "stop_signal", (uint64_t)plan->stop_signal);
	json_add_unsigned(record, "stop_timeout", plan->stop_timeout);
	json_add_unsigned(record, "created", (uint64_t)created);
	json_add_unsigned(record, "starts", starts);
	json_add_unsigned(record, "started", starts ? (uint64_t)time(NULL) : 0);
	json_add_string(record, "boot", boot.boot);
	text = json_text(record);
	/* A new entry is brought to the disk as a whole; what was there before must not be lost for what is to come. */
	if (plan->kept && !plan->kept_record)
		return file_replace_durably(entry->directory, record_name, text, strlen(text), 0600, error);
	return file_replace(entry->directory, record_name, text, strlen(text), 0600, error);
}

int record_write_exit(const struct registry_entry *entry, const struct sandbox_result *result, struct sandbox_error *error)
{
	auto_finish(json_free) struct json_object *record = json_new_object();
	auto_finish(sandbox_entry_finish) struct sandbox_entry found = {.id = ""};
	auto_free char *text = NULL;
	int failure = record_read_own(entry, &found, error);

	if (failure < 0)
		return failure;
	json_add_unsigned(record, "version", RECORD_VERSION);
	json_add_string(record, "cause", sandbox_cause_name(result->cause));
	json_add_unsigned(record, "number", (uint64_t)result->number);
	json_add_unsigned(record, "ended", (uint64_t)time(NULL));
	json_add_unsigned(record, "starts", found.starts);
	text = json_text(record);
	return file_replace(entry->directory, exit_name, text, strlen(text), 0600, error);
}

/* ---- the supervisor ---- */

/* Where the supervisor listens; NULL when that cannot be read. The caller frees. */
static char *read_control(const struct registry_entry *entry, struct sandbox_error *error)
{
	struct json_object *record = NULL;
	const char *runtime = NULL;
	char *path = NULL;

	if (read_json(entry, record_name, &record, error) == 0 &&
	    json_get_string(record, record_name, "runtime", false, &runtime, error) == 0)
		path = control_path(runtime, entry->id);
	json_free(&record);
	return path;
}

int record_connect(const struct registry_entry *entry, struct sandbox_error *error)
{
	auto_free char *path = read_control(entry, error);

	if (path)
		return control_connect(path, error);
	/* Whoever ended meanwhile has taken it away. */
	return faccessat(entry->directory, record_name, F_OK, 0) < 0 ? control_has_ended(error) : -EIO;
}

bool record_is_running(const struct registry_entry *entry)
{
	auto_finish(sandbox_entry_finish) struct sandbox_entry found = {.id = ""};

	return record_read(entry, &found, NULL) == 0 && found.status == SANDBOX_RUNNING;
}

int record_await_supervisor(const struct registry_entry *entry)
{
	int connection = record_connect(entry, NULL);

	for (int i = 0; connection == -ESRCH && i < LISTEN_RETRIES && registry_is_live(entry); i++) {
		usleep(LISTEN_PAUSE_MICROSECONDS);
		connection = record_connect(entry, NULL);
	}
	return connection;
}

bool record_bury(const struct registry_entry *entry)
{
	auto_finish(sandbox_entry_finish) struct sandbox_entry found = {.id = ""};
	auto_free char *path = read_control(entry, NULL);
	int result;

	if (path)
		(void)unlink(path);
	/* Not when it cannot be read: that may be the fault of today's machine, or the work of a newer version. */
	result = record_read_own(entry, &found, NULL);
	if (result == 0)
		return found.remove || (found.kept && !kept_is_complete(entry));
	return result == -ENOENT && !kept_is(entry);
}
