#include "runtime/record.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "base/file.h"
#include "base/json.h"
#include "base/memory.h"
#include "base/scope.h"
#include "runtime/control.h"

enum { RECORD_SIZE_MAX = 1 << 22, RECORD_VERSION = 1 };

static const char record_name[] = "record.json";
static const char exit_name[] = "exit.json";

_Static_assert((int)SANDBOX_ID_SIZE == (int)REGISTRY_ID_SIZE, "the public size is that of the ids inside");

void sandbox_entry_finish(struct sandbox_entry *entry)
{
	free(entry->name);
	free(entry->image);
	free(entry->digest);
	sandbox_strings_finish(&entry->command);
	*entry = (struct sandbox_entry){.id = ""};
}

char *record_text(const struct plan *plan, const char *runtime)
{
	struct json_object *record = json_new_object();
	char *text;

	json_add_unsigned(record, "version", RECORD_VERSION);
	json_add_string(record, "image", plan->image);
	json_add_string(record, "digest", plan->digest);
	json_add_strings(record, "command", &plan->command);
	json_add_string(record, "runtime", runtime);
	json_add_unsigned(record, "detached", plan->supervision == SUPERVISION_DETACHED);
	json_add_unsigned(record, "remove", plan->remove);
	json_add_unsigned(record, "created", (uint64_t)time(NULL));
	text = json_text(record);
	json_free(&record);
	return text;
}

int record_write_exit(const struct registry_entry *entry, const struct sandbox_result *result, struct sandbox_error *error)
{
	struct json_object *record = json_new_object();
	auto_free char *text = NULL;

	json_add_unsigned(record, "version", RECORD_VERSION);
	json_add_string(record, "cause", sandbox_cause_name(result->cause));
	json_add_unsigned(record, "number", (uint64_t)result->number);
	json_add_unsigned(record, "ended", (uint64_t)time(NULL));
	text = json_text(record);
	json_free(&record);
	return file_replace(entry->directory, exit_name, text, strlen(text), 0600, error);
}

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

static int read_record(struct json_object *record, struct sandbox_entry *out, struct sandbox_error *error)
{
	uint64_t detached = 0, remove = 0, created = 0;
	const char *image = NULL, *digest = NULL;
	int result = json_get_string(record, record_name, "image", false, &image, error);

	if (result == 0)
		result = json_get_string(record, record_name, "digest", true, &digest, error);
	if (result == 0)
		result = json_get_strings(record, record_name, "command", false, &out->command, error);
	if (result == 0)
		result = json_get_unsigned(record, record_name, "detached", false, 1, &detached, error);
	if (result == 0)
		result = json_get_unsigned(record, record_name, "remove", false, 1, &remove, error);
	if (result == 0)
		result = json_get_unsigned(record, record_name, "created", false, INT64_MAX, &created, error);
	if (result < 0)
		return result;
	out->image = memory_text(image);
	out->digest = memory_text(digest);
	out->detached = detached;
	out->remove = remove;
	out->created = (int64_t)created;
	return 0;
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

static int read_exit(struct json_object *record, struct sandbox_entry *out, struct sandbox_error *error)
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
	out->result.number = (int)number;
	out->ended = (int64_t)ended;
	return result;
}

/* What cannot be read is as good as absent: a power cut may have come before it was on the disk. */
static enum sandbox_status read_end(const struct registry_entry *entry, struct sandbox_entry *out)
{
	struct json_object *record = NULL;
	bool known = read_json(entry, exit_name, &record, NULL) == 0 && read_exit(record, out, NULL) == 0;

	json_free(&record);
	return known ? SANDBOX_EXITED : SANDBOX_DEAD;
}

int record_read(const struct registry_entry *entry, struct sandbox_entry *out, struct sandbox_error *error)
{
	auto_finish(sandbox_entry_finish) struct sandbox_entry found = {.id = ""};
	struct json_object *record = NULL;
	bool live = registry_is_live(entry);
	int result = read_json(entry, record_name, &record, error);

	if (result == 0)
		result = read_record(record, &found, error);
	json_free(&record);
	if (result < 0)
		return result;
	found.name = memory_text(registry_entry_name(entry));
	memcpy(found.id, entry->id, sizeof(found.id));
	/* Its end is written down a moment before its lock is given back. */
	found.status = read_end(entry, &found);
	if (found.status == SANDBOX_DEAD && live)
		found.status = SANDBOX_RUNNING;
	*out = found;
	found = (struct sandbox_entry){.id = ""};
	return 0;
}

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

bool record_bury(const struct registry_entry *entry)
{
	auto_finish(sandbox_entry_finish) struct sandbox_entry found = {.id = ""};
	auto_free char *path = read_control(entry, NULL);
	int result;

	if (path)
		(void)unlink(path);
	/* Not when it cannot be read: that may be the fault of today's machine, or the work of a newer version. */
	result = record_read(entry, &found, NULL);
	return result == -ENOENT || (result == 0 && (!found.detached || found.remove));
}
