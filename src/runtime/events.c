#include "runtime/events.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <sandbox/life.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/inotify.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/file.h"
#include "base/json.h"
#include "base/log.h"
#include "base/memory.h"
#include "base/moment.h"
#include "base/scope.h"
#include "base/signals.h"

static const char file_name[] = "events";
static const char older_name[] = "events.1";

const char *const sandbox_event_names[] = {
	"create", "start", "attach", "exec", "kill", "stop", "oom", "die", "pause", "unpause", "rename", "rm", NULL};

/* ---- writing ---- */

static bool is_named(int directory, int file)
{
	struct stat ours, named;

	return fstat(file, &ours) == 0 && fstatat(directory, file_name, &named, AT_SYMLINK_NOFOLLOW) == 0 &&
		ours.st_ino == named.st_ino && ours.st_dev == named.st_dev;
}

/* One of those who find it full; never waiting for another, who may be stopped. */
static void rotate_full(int directory, int file)
{
	struct stat status;

	if (fstat(file, &status) == 0 && status.st_size >= EVENTS_SIZE && flock(file, LOCK_EX | LOCK_NB) == 0 &&
	    is_named(directory, file))
		(void)renameat(directory, file_name, directory, older_name);
}

/* Half a line is what a full disk leaves. Nobody can take it back: others may have appended meanwhile. */
static bool ends_within_line(int file)
{
	struct stat status;
	char last;

	return fstat(file, &status) == 0 && status.st_size > 0 && pread(file, &last, 1, status.st_size - 1) == 1 && last != '\n';
}

/*
 * In a single write, so that lines of several processes do not mix. Who sees one that is not all there yet begins a line, too:
 * readers pass over an empty one.
 */
static bool write_line(int file, const char *line)
{
	auto_free char *text = memory_format("%s%s", ends_within_line(file) ? "\n" : "", line);
	ssize_t written = write(file, text, strlen(text));

	if (written >= 0)
		errno = ENOSPC; /* where it is not all of it */
	return written == (ssize_t)strlen(text);
}

static void append(const char *runtime, const char *line)
{
	auto_close int directory = -1, file = -1;

	if (file_make_directories(runtime, 0700, NULL) == 0)
		directory = file_open_own_directory(AT_FDCWD, runtime, "--runroot", NULL);
	if (directory < 0)
		return;
	file = openat(directory, file_name, O_RDWR | O_APPEND | O_CREAT | O_NOFOLLOW | O_CLOEXEC, 0600);
	if (file < 0 || !write_line(file, line)) {
		log_debug("an event could not be written down: %s", strerror(errno));
		return;
	}
	rotate_full(directory, file);
}

static void add_error(struct json_object *object, const struct sandbox_error *error)
{
	json_add_unsigned(object, "exit_status", (uint64_t)sandbox_error_exit_status(error));
	json_add_string(object, "error", sandbox_error_name(error->id));
	json_add_string(object, "message", error->text);
}

char *event_line(const struct event *event)
{
	auto_finish(json_free) struct json_object *object = json_new_object();
	auto_free char *text = NULL;
	char now[MOMENT_SIZE];

	moment_format(moment_now(), now);
	json_add_string(object, "time", now);
	json_add_string(object, "event", event->name);
	json_add_string(object, "id", event->id);
	json_add_string(object, "name", event->sandbox);
	if (event->image)
		json_add_string(object, "image", event->image);
	if (event->pid)
		json_add_unsigned(object, "pid", (uint64_t)event->pid);
	if (event->signal)
		json_add_unsigned(object, "signal", (uint64_t)event->signal);
	if (event->result) {
		json_add_string(object, "cause", sandbox_cause_name(event->result->cause));
		json_add_unsigned(object, "exit_status", (uint64_t)sandbox_result_exit_status(event->result));
	}
	if (event->error)
		add_error(object, event->error);
	text = json_line(object);
	return memory_format("%s\n", text);
}

void event_add(const char *runtime, const struct event *event)
{
	auto_free char *line = event_line(event);

	if (runtime)
		append(runtime, line);
}

void event_add_of(const char *runtime, const char *name, const struct registry_entry *entry)
{
	event_add(runtime, &(struct event){.name = name, .id = entry->id, .sandbox = registry_entry_name(entry)});
}

/* ---- reading ---- */

struct events_reader {
	const struct sandbox_events_options *options;
	char since[MOMENT_SIZE], until[MOMENT_SIZE];
	int directory;
	int changes;
	FILE *file;
	char *line; /* getline(3)'s */
	size_t size;
};

static void events_reader_finish(struct events_reader *reader)
{
	if (reader->file)
		(void)fclose(reader->file);
	free(reader->line);
	if (reader->directory >= 0)
		(void)close(reader->directory);
	if (reader->changes >= 0)
		(void)close(reader->changes);
}

static FILE *open_events(const struct events_reader *reader, const char *name)
{
	int fd = openat(reader->directory, name, O_RDONLY | O_NOFOLLOW | O_CLOEXEC);

	return fd < 0 ? NULL : fdopen(fd, "re");
}

/* A line that is none of ours is passed over: this is the user's own folder. */
static int show(struct events_reader *reader, size_t length)
{
	static const char file[] = "an event";
	struct sandbox_event event = {.line = reader->line};
	struct json_object *object = NULL;
	int result = 0;

	reader->line[length - 1] = '\0';
	if (json_parse(reader->line, length - 1, file, &object, NULL) == 0 &&
	    json_get_string(object, file, "time", false, &event.time, NULL) == 0 &&
	    json_get_string(object, file, "event", false, &event.event, NULL) == 0 &&
	    json_get_string(object, file, "id", false, &event.id, NULL) == 0 &&
	    json_get_string(object, file, "name", true, &event.name, NULL) == 0 &&
	    json_get_string(object, file, "image", true, &event.image, NULL) == 0 &&
	    strcmp(event.time, reader->since) >= 0 && strcmp(event.time, reader->until) <= 0)
		result = reader->options->event(reader->options->context, &event);
	json_free(&object);
	return result;
}

/* All whole lines that there are. */
static int show_file(struct events_reader *reader)
{
	int result = 0;

	clearerr(reader->file);
	while (result == 0) {
		long start = ftell(reader->file);
		ssize_t length = getline(&reader->line, &reader->size, reader->file);

		if (length > 0 && reader->line[length - 1] == '\n') {
			result = show(reader, (size_t)length);
			continue;
		}
		if (length > 0)
			(void)fseek(reader->file, start, SEEK_SET);
		break;
	}
	return result;
}

/* What is new, also when the file has become the older one meanwhile, or does not exist yet. */
static int show_new(struct events_reader *reader)
{
	int result = reader->file ? show_file(reader) : 0;

	if (result != 0 || (reader->file && is_named(reader->directory, fileno(reader->file))))
		return result;
	if (reader->file) {
		result = show_file(reader);
		(void)fclose(reader->file);
	}
	reader->file = open_events(reader, file_name);
	return result == 0 && reader->file ? show_file(reader) : result;
}

static int show_older(struct events_reader *reader)
{
	int result;

	reader->file = open_events(reader, older_name);
	if (!reader->file)
		return 0;
	result = show_file(reader);
	(void)fclose(take_ptr(reader->file));
	return result;
}

/* Before the first line is read, so that none is missed. */
static int open_all(struct events_reader *reader, const char *runtime, struct sandbox_error *error)
{
	int result = file_make_directories(runtime, 0700, error);

	if (result < 0)
		return result;
	reader->directory = file_open_own_directory(AT_FDCWD, runtime, "--runroot", error);
	if (reader->directory < 0)
		return reader->directory;
	reader->changes = inotify_init1(IN_CLOEXEC | IN_NONBLOCK);
	if (reader->changes < 0 || inotify_add_watch(reader->changes, runtime, IN_MODIFY | IN_CREATE | IN_MOVED_TO) < 0)
		return error_set(error, errno, "watch the events");
	return 0;
}

/* Milliseconds; -1 where there is no end. */
static int time_left(const struct sandbox_events_options *options)
{
	int64_t left = (options->until - moment_now()) / 1000000 + 1;

	if (!options->has_until)
		return -1;
	return left <= 0 ? 0 : left < INT32_MAX ? (int)left : INT32_MAX;
}

int sandbox_events(const struct sandbox_locations *locations, const struct sandbox_events_options *options,
	struct sandbox_error *error)
{
	auto_finish(events_reader_finish) struct events_reader reader = {.options = options, .directory = -1, .changes = -1};
	int result, left = -1;

	moment_format(options->has_since ? options->since : moment_now(), reader.since);
	moment_format(options->has_until ? options->until : INT64_MAX / 2, reader.until);
	result = open_all(&reader, locations->runtime, error);
	if (result == 0)
		result = show_older(&reader);
	while (result == 0 && left != 0) {
		struct pollfd event = {.fd = reader.changes, .events = POLLIN};
		char drained[4096];

		left = time_left(options);
		result = show_new(&reader);
		if (result == 0 && left != 0 && poll(&event, 1, left) < 0 && errno != EINTR)
			return error_set(error, errno, "wait for events");
		while (read(reader.changes, drained, sizeof(drained)) > 0)
			;
	}
	return result;
}
