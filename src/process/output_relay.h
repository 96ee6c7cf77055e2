/*
 * Files of the host as standard output or error: `sandbox run IMAGE make >>log`. A descriptor of the file itself would
 * be more than a place to write to. Root inside is the caller outside: through /proc/self/fd/1 (proc_pid_fd(5)) he could
 * open the file again, read what was in it, cut it off, or make it a set-user-ID program (fchmod(2)). So the payload
 * gets a pipe, and the supervisor writes to the file. Error and output that are one file share a pipe, which keeps
 * their order. Pipes, sockets and devices are handed on as they are.
 *
 * Defence removed in the test build by the name "output".
 */
#ifndef PROCESS_OUTPUT_RELAY_H
#define PROCESS_OUTPUT_RELAY_H

#include <poll.h>

#include "base/error.h"

enum { OUTPUT_RELAY_COUNT = 2 }; /* standard output, standard error */

struct output_relay {
	int files[OUTPUT_RELAY_COUNT];   /* the caller's, while pipes are in their place; else -1 */
	int readers[OUTPUT_RELAY_COUNT]; /* what comes out of the pipes; -1 where there is none */
	int code;                        /* why a file took no more; 0 */
	int failed;                      /* its descriptor */
};

#define OUTPUT_RELAY_INIT {.files = {-1, -1}, .readers = {-1, -1}}

/*
 * Puts pipes in the place of descriptors 1 and 2 where they are files, until output_relay_restore: a child that is
 * cloned in between has them. 0 or -errno; output_relay_restore and output_relay_close are due in either case.
 */
int output_relay_lend(struct output_relay *relay, struct sandbox_error *error);
void output_relay_restore(struct output_relay *relay);

/* In such a child: closes all but the pipes' writing ends. A reader there would keep writers from noticing the end. */
void output_relay_leave(struct output_relay *relay);

/* Fills the events to wait for. */
void output_relay_poll(const struct output_relay *relay, struct pollfd events[OUTPUT_RELAY_COUNT]);

/* Copies what these events allow. When a file takes no more its pipe is closed: the payload gets SIGPIPE. */
void output_relay_copy(struct output_relay *relay, const struct pollfd events[OUTPUT_RELAY_COUNT]);

/* Copies what is left when all writers are gone. 0, or -errno when something could not be written, now or earlier. */
int output_relay_end(struct output_relay *relay, struct sandbox_error *error);
void output_relay_close(struct output_relay *relay);

#endif
