#include "runtime/output_log.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/memory.h"
#include "base/moment.h"
#include "base/scope.h"

enum { READ_SIZE = 16 << 10, STAMP_SIZE = MOMENT_SIZE };

static const char *const stream_names[OUTPUT_LOG_STREAMS] = {"stdout", "stderr"};

static int open_file(int directory)
{
	char name[LOG_FILE_NAME_SIZE];

	return openat(directory, log_file_name(0, name), O_WRONLY | O_APPEND | O_CREAT | O_NOFOLLOW | O_CLOEXEC, 0600);
}

/* One that is there is gone on with. 0 or -errno. */
static int open_log(struct output_log *log)
{
	struct stat status;

	log->file = open_file(log->directory);
	if (log->file < 0 || fstat(log->file, &status) < 0)
		return -errno;
	log->size = (uint64_t)status.st_size;
	return 0;
}

int output_log_open(struct output_log *log, int directory, const struct log_limits *limits, struct sandbox_error *error)
{
	int result;

	log->directory = directory;
	log->limits = *limits;
	result = open_log(log);
	return result < 0 ? error_set(error, -result, "make the sandbox's log") : 0;
}

int output_log_add(struct output_log *log, size_t stream, int source, struct sandbox_error *error)
{
	if (log->sources[stream] >= 0)
		(void)close(log->sources[stream]);
	log->sources[stream] = source;
	return fcntl(source, F_SETFL, O_RDWR | O_NONBLOCK) < 0 ? error_set(error, errno, "read what the command writes") : 0;
}

void output_log_poll(const struct output_log *log, struct pollfd events[OUTPUT_LOG_STREAMS])
{
	for (size_t i = 0; i < OUTPUT_LOG_STREAMS; i++)
		events[i] = (struct pollfd){.fd = log->sources[i], .events = POLLIN};
}

/*
 * Without a file to write to there is nobody to tell: what comes is read and dropped, so that the command goes on, until a
 * file can be made again.
 */
static void rotate(struct output_log *log)
{
	char name[LOG_FILE_NAME_SIZE], older[LOG_FILE_NAME_SIZE];
	bool kept = false;

	(void)close(take_fd(&log->file));
	for (uint64_t age = log->limits.files - 1; age; age--)
		kept = renameat(log->directory, log_file_name(age - 1, name), log->directory, log_file_name(age, older)) == 0;
	/* Where there is to be no older one, or there can be none. Whoever reads it has it open. */
	if (!kept)
		(void)unlinkat(log->directory, log_file_name(0, name), 0);
	log->size = 0;
	(void)open_log(log);
}

/* False when there is no file, or only one that is full, and stays. */
static bool make_room(struct output_log *log, size_t length)
{
	if (log->file < 0)
		(void)open_log(log);
	if (log->file >= 0 && log->size + length > log->limits.size)
		rotate(log);
	return log->file >= 0 && (!log->size || log->size + length <= log->limits.size);
}

static void write_line(struct output_log *log, const char *stamp, size_t stream, bool whole, const char *text, size_t size)
{
	char line[STAMP_SIZE + READ_SIZE + 16];
	int head = snprintf(line, sizeof(line), "%s %s %c ", stamp, stream_names[stream], whole ? 'F' : 'P');
	size_t length = (size_t)head + size + 1;

	memcpy(line + head, text, size);
	line[length - 1] = '\n';
	if (!make_room(log, length))
		return;
	/* On a full disk a part may fit: the next line is not to go on with it. */
	if (fd_write_all(log->file, line, length) == 0 || ftruncate(log->file, (off_t)log->size) < 0)
		log->size += length;
}

static void write_down(struct output_log *log, size_t stream, const char *data, size_t size)
{
	/* A line fits into a file. */
	size_t piece = log->limits.size / 2 < READ_SIZE ? (size_t)log->limits.size / 2 : READ_SIZE;
	char stamp[MOMENT_SIZE];

	moment_format(moment_now(), stamp);
	while (size) {
		const char *newline = memchr(data, '\n', size < piece ? size : piece);
		size_t length = newline ? (size_t)(newline - data) : size < piece ? size : piece;

		write_line(log, stamp, stream, newline != NULL, data, length);
		length += newline != NULL;
		data += length;
		size -= length;
	}
}

void output_log_note(struct output_log *log, const char *text)
{
	auto_free char *line = memory_format("sandbox: %s\n", text);

	if (log->file >= 0)
		write_down(log, 1, line, strlen(line));
}

/* False when there is nothing to be read now. */
static bool copy_some(struct output_log *log, size_t stream)
{
	char data[READ_SIZE];
	ssize_t got = read(log->sources[stream], data, sizeof(data));

	if (got > 0)
		write_down(log, stream, data, (size_t)got);
	else if (got == 0 || (errno != EAGAIN && errno != EINTR))
		(void)close(take_fd(&log->sources[stream]));
	return got > 0;
}

void output_log_copy(struct output_log *log, const struct pollfd events[OUTPUT_LOG_STREAMS])
{
	for (size_t i = 0; i < OUTPUT_LOG_STREAMS; i++)
		if (events[i].revents && log->sources[i] >= 0)
			(void)copy_some(log, i);
}

void output_log_finish(struct output_log *log)
{
	for (size_t i = 0; i < OUTPUT_LOG_STREAMS; i++) {
		/* No more than there is now: whoever has the other end could go on for ever. */
		for (int left = fd_readable(log->sources[i]); left > 0 && copy_some(log, i); left -= READ_SIZE)
			;
		fd_close(&log->sources[i]);
	}
	fd_close(&log->file);
}

/* ---- reading ---- */

/* Ends the word at *cursor and steps over the space. NULL when there is none. */
static char *next_word(char **cursor)
{
	char *word = *cursor, *space = strchr(word, ' ');

	if (!space)
		return NULL;
	*space = '\0';
	*cursor = space + 1;
	return word;
}

bool output_log_parse(char *line, struct output_log_line *out)
{
	const char *stream, *mark;

	out->time = next_word(&line);
	stream = out->time ? next_word(&line) : NULL;
	mark = stream ? next_word(&line) : NULL;
	if (!mark || (strcmp(mark, "F") != 0 && strcmp(mark, "P") != 0))
		return false;
	out->whole = *mark == 'F';
	out->stream = strcmp(stream, stream_names[1]) == 0;
	out->text = line;
	return true;
}
