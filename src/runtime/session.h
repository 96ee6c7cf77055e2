/*
 * More commands in a sandbox that runs: `sandbox exec`. Init forks them as it forks the payload, so they have its
 * namespaces, root, keyring and control group, and go through payload_execute with its plan: there is no second way
 * into a sandbox that could be stronger or weaker than the first.
 *
 * A request travels from the other command through the supervisor to init, with these descriptors:
 *
 *	SESSION_REQUEST  a memfd with what is to be done (session_request_write)
 *	SESSION_INPUT    its standard input, output and error
 *	SESSION_CHANNEL  one end of a pair, on which the other command hears SETUP_DONE with its side of a terminal
 *	                 (where there is one), EXEC_OK or ERROR, and EXITED, and says SIGNAL. EXITED without EXEC_OK is
 *	                 of a command that had ended, or was killed, before init could see that it ran.
 */
#ifndef RUNTIME_SESSION_H
#define RUNTIME_SESSION_H

#include <poll.h>
#include <stdbool.h>
#include <sys/resource.h>
#include <sys/types.h>

#include <sandbox/strings.h>

#include "base/error.h"
#include "process/terminal.h"
#include "runtime/channel.h"
#include "runtime/plan.h"

enum {
	SESSION_REQUEST,
	SESSION_INPUT,
	SESSION_OUTPUT,
	SESSION_ERROR,
	SESSION_CHANNEL,
	SESSION_FD_COUNT
};

struct session_request {
	enum terminal_kind terminal;
	struct terminal_shape shape;
	char *user;    /* NULL: as the payload's */
	char *workdir; /* likewise */
	struct sandbox_strings command;     /* not empty */
	struct sandbox_strings environment; /* NAME=VALUE, besides the payload's */
};

void session_request_finish(struct session_request *request);

/* Writes it to a new memfd. A descriptor or -errno. */
int session_request_write(const struct session_request *request, struct sandbox_error *error);

/* Reads it back. 0 or -errno; *out is to be finished in either case. */
int session_request_read(int fd, struct session_request *out, struct sandbox_error *error);

/* Init's side: those that run. */
struct sessions {
	struct session {
		pid_t pid;
		int channel; /* -1 when nobody listens any more */
		int report;  /* a pipe, whose end without a struct sandbox_error in it is that of the exec; -1 after it */
	} *items;
	size_t count;
	struct rlimit limits[RLIM_NLIMITS]; /* init's own before anybody in the sandbox could change them */
};

/* Before the payload runs. */
void sessions_init(struct sessions *sessions);

/* Starts one, in init. Takes the message's descriptors. What fails is reported to whoever asked. */
void sessions_start(struct sessions *sessions, const struct plan *plan, struct channel_message *request);

/* Fills sessions_poll_count() events, and does what they say. */
size_t sessions_poll_count(const struct sessions *sessions);
void sessions_poll(const struct sessions *sessions, struct pollfd *events);
void sessions_hear(struct sessions *sessions, const struct pollfd *events);

/* A child of init has ended: if it was one of them, its caller is told. */
void sessions_reap(struct sessions *sessions, pid_t pid, int status);

#endif
