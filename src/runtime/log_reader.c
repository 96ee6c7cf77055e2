#include "runtime/log_reader.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/inotify.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/memory.h"
#include "base/scope.h"
#include "runtime/channel.h"
#include "runtime/control.h"
#include "runtime/output_log.h"
#include "runtime/record.h"

/* Then others have their turn: who is attached must be heard, too, however much is being written. */
enum { LINES_AT_ONCE = 256, ROTATION_RETRIES = 10 };

void log_reader_finish(struct log_reader *reader)
{
	if (reader->file)
		(void)fclose(reader->file);
	free(reader->line);
	if (reader->changes >= 0)
		(void)close(reader->changes);
	if (reader->end >= 0)
		(void)close(reader->end);
	*reader = (struct log_reader)LOG_READER_INIT;
}

static FILE *open_log(const struct registry_entry *entry, uint64_t age)
{
	char name[LOG_FILE_NAME_SIZE];
	int fd = openat(entry->directory, log_file_name(age, name), O_RDONLY | O_NOFOLLOW | O_CLOEXEC);

	return fd < 0 ? NULL : fdopen(fd, "re");
}

static bool is_same(FILE *file, const struct stat *other)
{
	struct stat status;

	return fstat(fileno(file), &status) == 0 && status.st_ino == other->st_ino && status.st_dev == other->st_dev;
}

static int show(struct log_reader *reader, ssize_t length)
{
	struct sandbox_log_line out;
	struct output_log_line line;

	if (reader->skip) {
		reader->skip--;
		return 0;
	}
	if (!output_log_parse(reader->line, &line) || strcmp(line.time, reader->since) < 0 ||
	    (*reader->until && strcmp(line.time, reader->until) > 0))
		return 0;
	/* The text may hold NULs: its end is that of the line. The newline is the command's own where it was whole. */
	out = (struct sandbox_log_line){.stream = line.stream + 1, .time = line.time, .text = line.text,
		.size = (size_t)(reader->line + length - line.text) - !line.whole};
	return reader->options->line(reader->options->context, &out);
}

/* Whole lines, as many as there are and `limit` allows. A line that is still being written is left for the next time. */
static int show_file(struct log_reader *reader, size_t limit)
{
	int result = 0;

	clearerr(reader->file);
	reader->more = false;
	while (result == 0) {
		long start = ftell(reader->file);
		ssize_t length;

		reader->more = !limit;
		if (!limit--)
			break;
		length = getline(&reader->line, &reader->size, reader->file);
		if (length > 0 && reader->line[length - 1] == '\n') {
			result = show(reader, length);
			continue;
		}
		if (length > 0)
			(void)fseek(reader->file, start, SEEK_SET);
		break;
	}
	return result;
}

static bool is_of_age(const struct log_reader *reader, uint64_t age)
{
	char name[LOG_FILE_NAME_SIZE];
	struct stat status;

	return fstatat(reader->entry->directory, log_file_name(age, name), &status, AT_SYMLINK_NOFOLLOW) == 0 &&
		is_same(reader->file, &status);
}

/* Of the file that is read: LOG_FILES_MAX when it is there no more. */
static uint64_t find_age(const struct log_reader *reader)
{
	uint64_t age = 0;

	while (age < LOG_FILES_MAX && !is_of_age(reader, age))
		age++;
	return age;
}

/* What was begun after the file that is read; NULL when there is none (yet, in the middle of a rotation). */
static FILE *open_successor(const struct log_reader *reader)
{
	for (int i = 0; i < ROTATION_RETRIES; i++) {
		uint64_t age = find_age(reader);
		FILE *next = NULL;

		for (uint64_t newer = age; newer > 0 && !next; newer--)
			next = open_log(reader->entry, newer - 1);
		/* Rotated meanwhile, it would be one further on. */
		if (!next || age == LOG_FILES_MAX || is_of_age(reader, age))
			return next;
		(void)fclose(next);
	}
	return NULL;
}

/* The rest of a file that has become an older one is shown before the next one. */
static int show_new(struct log_reader *reader)
{
	int result = show_file(reader, LINES_AT_ONCE);
	FILE *next;

	if (result != 0 || reader->more || is_of_age(reader, 0))
		return result;
	result = show_file(reader, LINES_AT_ONCE);
	if (result != 0 || reader->more)
		return result;
	next = open_successor(reader);
	if (!next)
		return 0;
	(void)fclose(reader->file);
	reader->file = next;
	reader->more = true;
	return 0;
}

struct log_files {
	FILE *items[LOG_FILES_MAX]; /* the newest first */
	size_t count;
};

/* The newest is opened first: one that becomes older meanwhile is met again, and none is missed. */
static void open_files(const struct registry_entry *entry, struct log_files *out)
{
	for (uint64_t age = 0; age < LOG_FILES_MAX; age++) {
		FILE *file = open_log(entry, age);
		struct stat status;

		if (!file)
			continue;
		if (out->count && fstat(fileno(file), &status) == 0 && is_same(out->items[out->count - 1], &status))
			(void)fclose(file);
		else
			out->items[out->count++] = file;
	}
}

static uint64_t count_lines(FILE *file)
{
	uint64_t count = 0;
	int byte;

	while ((byte = getc_unlocked(file)) != EOF)
		count += byte == '\n';
	rewind(file);
	return count;
}

static void decide_skip(struct log_reader *reader, const struct log_files *files)
{
	uint64_t count = 0;

	for (size_t i = 0; i < files->count && reader->options->has_tail; i++)
		count += count_lines(files->items[i]);
	if (reader->options->has_tail && count > reader->options->tail)
		reader->skip = count - reader->options->tail;
}

/* All but the newest, which is gone on with. */
static int show_older(struct log_reader *reader)
{
	struct log_files files = {.count = 0};
	int result = 0;

	open_files(reader->entry, &files);
	decide_skip(reader, &files);
	for (size_t i = files.count; i-- > 0;) {
		reader->file = files.items[i];
		if (i && result == 0 && !reader->options->from_end)
			result = show_file(reader, SIZE_MAX);
		if (i)
			(void)fclose(take_ptr(reader->file));
	}
	if (reader->file && reader->options->from_end)
		(void)fseek(reader->file, 0, SEEK_END);
	return result;
}

/* Before the first line is read, so that nothing is missed between reading and waiting. */
static int watch_log(struct log_reader *reader, struct sandbox_error *error)
{
	char path[64];

	(void)snprintf(path, sizeof(path), "/proc/self/fd/%d", reader->entry->directory);
	reader->changes = inotify_init1(IN_CLOEXEC | IN_NONBLOCK);
	if (reader->changes < 0 || inotify_add_watch(reader->changes, path, IN_MODIFY | IN_CREATE | IN_MOVED_TO) < 0)
		return error_set(error, errno, "watch the log");
	reader->end = record_connect(reader->entry, NULL);
	if (reader->end >= 0 && channel_send(reader->end, CHANNEL_WAIT, CONTROL_WAIT_TO_KNOW, 0, NULL, 0, NULL) < 0)
		(void)close(take_fd(&reader->end));
	return 0;
}

static int no_log(const char *reference, struct sandbox_error *error)
{
	error_set(error, ENOENT, "find the log of %s", reference);
	error_cause(error, SANDBOX_E_SANDBOX_STATE, "it was started in the foreground: only what a detached sandbox writes is "
		"written down");
	return error_fix(error, "start it in the background: run --detach, or start without --attach");
}

/* What one writes that was started again in the foreground goes to whoever did that: an older log says nothing of it. */
static int check_detached(const struct registry_entry *entry, const char *reference, struct sandbox_error *error)
{
	auto_finish(sandbox_entry_finish) struct sandbox_entry found = {.id = ""};

	if (record_read(entry, &found, NULL) < 0 || found.status != SANDBOX_RUNNING || found.detached)
		return 0;
	return no_log(reference, error);
}

int log_reader_open(struct log_reader *reader, const struct registry_entry *entry,
	const struct sandbox_log_options *options, const char *reference, struct sandbox_error *error)
{
	int result = 0;

	*reader = (struct log_reader)LOG_READER_INIT;
	reader->entry = entry;
	reader->options = options;
	if (options->has_since)
		moment_format(options->since, reader->since);
	if (options->has_until)
		moment_format(options->until, reader->until);
	if (options->follow)
		result = check_detached(entry, reference, error);
	if (result == 0 && options->follow)
		result = watch_log(reader, error);
	if (result < 0)
		return result;
	result = show_older(reader);
	reader->more = true;
	reader->ended = reader->end < 0;
	return reader->file ? result : no_log(reference, error);
}

void log_reader_poll(const struct log_reader *reader, struct pollfd events[LOG_READER_POLL_COUNT])
{
	events[LOG_READER_CHANGES] = (struct pollfd){.fd = reader->changes, .events = POLLIN};
	events[LOG_READER_END] = (struct pollfd){.fd = reader->end, .events = POLLIN};
}

static void hear_end(struct log_reader *reader)
{
	struct channel_message message;
	int result = control_answer(reader->end, &message, &reader->problem);

	/* That the supervisor was killed is no news here: the log stays as it is. */
	if (result < 0 && result != -ESRCH)
		reader->failure = result;
	if (result == 0 && message.step == CHANNEL_EXITED && message.flags <= SANDBOX_CAUSE_KILLED) {
		reader->result = (struct sandbox_result){(enum sandbox_cause)message.flags, message.value};
		reader->told = true;
	}
	(void)close(take_fd(&reader->end));
	reader->ended = true;
}

int log_reader_result(const struct log_reader *reader, struct sandbox_result *out, struct sandbox_error *error)
{
	*out = reader->result;
	if (reader->failure < 0)
		*error = reader->problem;
	if (reader->failure < 0 || reader->told)
		return reader->failure;
	error_set(error, ECHILD, "wait for the end of %s", record_title(reader->entry));
	error_cause(error, SANDBOX_E_SANDBOX_STATE, "its supervisor was killed, so nobody knows how it ended");
	return error_fix(error, "see what it has written (sandbox logs %s)", reader->entry->id);
}

int log_reader_show(struct log_reader *reader, const struct pollfd events[LOG_READER_POLL_COUNT])
{
	char drained[4096];

	while (events[LOG_READER_CHANGES].revents && read(reader->changes, drained, sizeof(drained)) > 0)
		;
	if (events[LOG_READER_END].revents)
		hear_end(reader);
	return show_new(reader);
}

bool log_reader_is_done(const struct log_reader *reader)
{
	return reader->ended && !reader->more;
}

int sandbox_log_read(const struct sandbox_locations *locations, const char *reference,
	const struct sandbox_log_options *options, struct sandbox_error *error)
{
	auto_finish(registry_entry_finish) struct registry_entry entry = REGISTRY_ENTRY_INIT;
	auto_finish(log_reader_finish) struct log_reader reader = LOG_READER_INIT;
	int result = registry_find(locations->state, reference, &entry, error);

	if (result == 0)
		result = log_reader_open(&reader, &entry, options, reference, error);
	while (result == 0 && !log_reader_is_done(&reader)) {
		struct pollfd events[LOG_READER_POLL_COUNT];

		log_reader_poll(&reader, events);
		if (poll(events, LOG_READER_POLL_COUNT, reader.more ? 0 : -1) < 0 && errno != EINTR)
			return error_set(error, errno, "wait for the log");
		result = log_reader_show(&reader, events);
	}
	if (result == 0 && reader.failure < 0)
		*error = reader.problem;
	return result ? result : reader.failure;
}
