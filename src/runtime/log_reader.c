/* Reading what runtime/output_log.c wrote: sandbox_log_read of sandbox/life.h. */
#include <sandbox/life.h>

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/inotify.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/scope.h"
#include "runtime/channel.h"
#include "runtime/output_log.h"
#include "runtime/record.h"
#include "runtime/registry.h"

struct log_reader {
	const struct registry_entry *entry;
	const struct sandbox_log_options *options;
	FILE *file;
	char *line; /* getline(3)'s */
	size_t size;
	uint64_t skip; /* so many lines are passed over */
	int changes;   /* an inotify(7) descriptor, or -1 */
	int end;       /* readable once the sandbox has ended, or -1 when it has */
};

static void log_reader_finish(struct log_reader *reader)
{
	if (reader->file)
		(void)fclose(reader->file);
	free(reader->line);
	if (reader->changes >= 0)
		(void)close(reader->changes);
	if (reader->end >= 0)
		(void)close(reader->end);
}

static FILE *open_log(const struct registry_entry *entry, const char *name)
{
	int fd = openat(entry->directory, name, O_RDONLY | O_NOFOLLOW | O_CLOEXEC);

	return fd < 0 ? NULL : fdopen(fd, "re");
}

static int show(struct log_reader *reader, ssize_t length)
{
	struct sandbox_log_line out;
	struct output_log_line line;

	if (reader->skip) {
		reader->skip--;
		return 0;
	}
	if (!output_log_parse(reader->line, &line))
		return 0;
	/* The text may hold NULs: its end is that of the line. The newline is the command's own where it was whole. */
	out = (struct sandbox_log_line){.stream = line.stream + 1, .time = line.time, .text = line.text,
		.size = (size_t)(reader->line + length - line.text) - !line.whole};
	return reader->options->line(reader->options->context, &out);
}

/* All whole lines that there are. A line that is still being written is left for the next time. */
static int show_file(struct log_reader *reader)
{
	int result = 0;

	clearerr(reader->file);
	while (result == 0) {
		long start = ftell(reader->file);
		ssize_t length = getline(&reader->line, &reader->size, reader->file);

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

/* Whether `log` is another file by now than the one that is read. */
static bool was_rotated(const struct log_reader *reader)
{
	struct stat ours, now;

	return fstat(fileno(reader->file), &ours) == 0 && fstatat(reader->entry->directory, "log", &now, 0) == 0 &&
		ours.st_ino != now.st_ino;
}

/* Until what is the newest now has been shown. */
static int show_new(struct log_reader *reader)
{
	int result = show_file(reader);

	while (result == 0 && was_rotated(reader)) {
		result = show_file(reader);
		(void)fclose(reader->file);
		reader->file = open_log(reader->entry, "log");
		if (!reader->file)
			return -ENOENT;
		if (result == 0)
			result = show_file(reader);
	}
	return result;
}

static uint64_t count_lines(const struct registry_entry *entry, const char *name)
{
	auto_fclose FILE *file = open_log(entry, name);
	uint64_t count = 0;
	int byte;

	while (file && (byte = getc_unlocked(file)) != EOF)
		count += byte == '\n';
	return count;
}

static void decide_skip(struct log_reader *reader)
{
	uint64_t count;

	if (!reader->options->has_tail)
		return;
	count = count_lines(reader->entry, "log.1") + count_lines(reader->entry, "log");
	reader->skip = count > reader->options->tail ? count - reader->options->tail : 0;
}

static int show_older(struct log_reader *reader)
{
	int result = 0;

	reader->file = open_log(reader->entry, "log.1");
	if (reader->file) {
		result = show_file(reader);
		(void)fclose(reader->file);
	}
	reader->file = open_log(reader->entry, "log");
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
	if (reader->end >= 0 && channel_send(reader->end, CHANNEL_WAIT, 0, 0, NULL, 0, NULL) < 0)
		(void)close(take_fd(&reader->end));
	return 0;
}

static int follow(struct log_reader *reader, struct sandbox_error *error)
{
	int result = show_new(reader);

	while (result == 0 && reader->end >= 0) {
		struct pollfd events[] = {{.fd = reader->changes, .events = POLLIN}, {.fd = reader->end, .events = POLLIN}};
		char drained[4096];

		if (poll(events, array_count(events), -1) < 0 && errno != EINTR)
			return error_set(error, errno, "wait for the log");
		while (read(reader->changes, drained, sizeof(drained)) > 0)
			;
		if (events[1].revents)
			(void)close(take_fd(&reader->end));
		result = show_new(reader);
	}
	return result;
}

static int no_log(const char *reference, struct sandbox_error *error)
{
	error_set(error, ENOENT, "the log of %s", reference);
	error_cause(error, SANDBOX_E_SANDBOX_STATE, "only what a detached sandbox writes is written down");
	return error_fix(error, "start it with --detach");
}

int sandbox_log_read(const struct sandbox_locations *locations, const char *reference,
	const struct sandbox_log_options *options, struct sandbox_error *error)
{
	auto_finish(registry_entry_finish) struct registry_entry entry = REGISTRY_ENTRY_INIT;
	auto_finish(log_reader_finish) struct log_reader reader = {
		.entry = &entry, .options = options, .changes = -1, .end = -1};
	int result = registry_find(locations->state, reference, &entry, error);

	if (result == 0 && options->follow)
		result = watch_log(&reader, error);
	if (result < 0)
		return result;
	decide_skip(&reader);
	result = show_older(&reader);
	if (!reader.file)
		return no_log(reference, error);
	return result == 0 ? follow(&reader, error) : result;
}
