/*
 * What a detached sandbox writes: the files `log` and, older, `log.1`, `log.2` and so on in its directory. One line of
 * the command is one line of the file, as container runtimes under Kubernetes write them (the CRI log format):
 *
 *	2026-01-31T12:00:00.123456789Z stdout F text
 *
 * with P in the place of F where the text was cut: the line was longer than the buffer, or not yet complete when it was
 * read. The files are bounded in size and number (runtime/log_limits.h), so a command that floods costs no more.
 */
#ifndef RUNTIME_OUTPUT_LOG_H
#define RUNTIME_OUTPUT_LOG_H

#include <poll.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/error.h"
#include "runtime/log_limits.h"

enum { OUTPUT_LOG_STREAMS = 2 };

struct output_log {
	int directory;                   /* borrowed */
	int file;                        /* -1: nothing is written down */
	uint64_t size;                   /* of the file */
	struct log_limits limits;
	int sources[OUTPUT_LOG_STREAMS]; /* standard output and error, or -1; not blocking */
};

#define OUTPUT_LOG_INIT {.directory = -1, .file = -1, .sources = {-1, -1}}

/*
 * Begins a log in `directory`, which stays open for as long as the log is, or goes on with that of an earlier start.
 * 0 or -errno; to be finished in either case.
 */
int output_log_open(struct output_log *log, int directory, const struct log_limits *limits, struct sandbox_error *error);

/* From now on what can be read from `source` is that stream's, and nothing else. Takes the descriptor. 0 or -errno. */
int output_log_add(struct output_log *log, size_t stream, int source, struct sandbox_error *error);

void output_log_poll(const struct output_log *log, struct pollfd events[OUTPUT_LOG_STREAMS]);
void output_log_copy(struct output_log *log, const struct pollfd events[OUTPUT_LOG_STREAMS]);

/* Adds a line of our own, "sandbox: TEXT" of the stream of errors. Without a log it does nothing. */
void output_log_note(struct output_log *log, const char *text);

/* Writes down what is still to be read, without waiting for more, and closes everything. Idempotent. */
void output_log_finish(struct output_log *log);

/* A line of the file, cut up in its place. False when it is not one. */
struct output_log_line {
	const char *time;
	int stream;   /* 0 or 1 */
	bool whole;   /* the command's line ends here */
	const char *text;
};
bool output_log_parse(char *line, struct output_log_line *out);

#endif
