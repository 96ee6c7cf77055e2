/*
 * A file of the host as standard input of a command in a sandbox that runs already. There it cannot be mounted any more
 * (rootfs/standard_input.h), and its descriptor would be more than a place to read from: so the command gets a pipe, and
 * the caller's process writes what is in the file to it. Pipes, sockets and terminals are handed on as they are.
 */
#ifndef PROCESS_INPUT_RELAY_H
#define PROCESS_INPUT_RELAY_H

#include <poll.h>
#include <stddef.h>

#include "base/error.h"

enum { INPUT_RELAY_BUFFER = 16 << 10 };

struct input_relay {
	int writer; /* of the pipe; -1 when there is nothing (more) to be copied */
	size_t used, sent;
	char data[INPUT_RELAY_BUFFER];
};

/*
 * Decides what stands for descriptor 0: *out, which the caller closes, is a copy of it or the reading end of a pipe.
 * 0 or -errno; input_relay_close is due in either case.
 */
int input_relay_open(struct input_relay *relay, int *out, struct sandbox_error *error);

void input_relay_poll(const struct input_relay *relay, struct pollfd *event);
void input_relay_copy(struct input_relay *relay, const struct pollfd *event);

/* What the command has not read is the caller's again. Idempotent. */
void input_relay_close(struct input_relay *relay);

#endif
