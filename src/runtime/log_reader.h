/*
 * Reading what runtime/output_log.c writes, while it is being written: for `sandbox logs` and for who is attached. The
 * writer knows nothing of its readers, so none can hold it up; one that is slower than the log is rotated misses lines.
 */
#ifndef RUNTIME_LOG_READER_H
#define RUNTIME_LOG_READER_H

#include <poll.h>
#include <sandbox/life.h>
#include <stdbool.h>
#include <stdio.h>

#include "base/error.h"
#include "base/moment.h"
#include "runtime/registry.h"

struct log_reader {
	const struct registry_entry *entry;
	const struct sandbox_log_options *options;
	FILE *file;
	char *line; /* getline(3)'s */
	size_t size;
	char since[MOMENT_SIZE], until[MOMENT_SIZE]; /* "": no bound */
	uint64_t skip;  /* so many lines are passed over */
	bool more;      /* not all that is there has been shown */
	bool ended;     /* the sandbox has */
	bool told;      /* its supervisor has said how: */
	struct sandbox_result result;
	int failure;    /* the supervisor does not tell: -errno, and why: */
	struct sandbox_error problem;
	int changes;    /* an inotify(7) descriptor, or -1 */
	int end;        /* readable once the sandbox has ended, or -1 */
};

#define LOG_READER_INIT {.changes = -1, .end = -1}

/*
 * Begins; both are borrowed. With options->follow there will be more. 0 or -errno: ENOENT with E_SANDBOX_STATE when there
 * is no log. To be finished in either case.
 */
int log_reader_open(struct log_reader *reader, const struct registry_entry *entry,
	const struct sandbox_log_options *options, const char *reference, struct sandbox_error *error);
void log_reader_finish(struct log_reader *reader);

/* The events to wait for; with reader->more not at all. */
enum { LOG_READER_CHANGES, LOG_READER_END, LOG_READER_POLL_COUNT };
void log_reader_poll(const struct log_reader *reader, struct pollfd events[LOG_READER_POLL_COUNT]);

/* Shows a part of what is new. 0, or what options->line returned, or -errno. */
int log_reader_show(struct log_reader *reader, const struct pollfd events[LOG_READER_POLL_COUNT]);

/* Whether the sandbox has ended and all has been shown. */
bool log_reader_is_done(const struct log_reader *reader);

/* How a sandbox whose end was waited for has ended. 0, or -errno: ECHILD with E_SANDBOX_STATE where nobody knows. */
int log_reader_result(const struct log_reader *reader, struct sandbox_result *out, struct sandbox_error *error);

#endif
