/*
 * Copying between a file of the host and a pipe into the sandbox. A command that is started in a running sandbox gets
 * pipes for the caller's streams that are files: behind /proc/self/fd/1 would be the file itself, to be opened again
 * by a root that is the caller's own user.
 */
#ifndef RUNTIME_RELAY_H
#define RUNTIME_RELAY_H

#include <poll.h>
#include <stdbool.h>
#include <stddef.h>

#include "base/error.h"

enum { RELAY_COUNT = 3, RELAY_BUFFER = 16 << 10 };

/* One for each of the standard descriptors. */
struct relays {
	struct relay {
		int pipe; /* our end, or -1 when there is nothing (more) to be copied */
		char data[RELAY_BUFFER]; /* on its way into the sandbox */
		size_t used, sent;
	} items[RELAY_COUNT];
};

/*
 * Decides what stands for the caller's descriptors 0, 1 and 2 in the sandbox: each of `out`, to be closed by the
 * caller, is that descriptor's copy or an end of a pipe. 0 or -errno, with E_USAGE for a directory.
 */
int relays_start(struct relays *relays, int out[RELAY_COUNT], struct sandbox_error *error);

void relays_poll(const struct relays *relays, struct pollfd events[RELAY_COUNT]);
void relays_copy(struct relays *relays, const struct pollfd events[RELAY_COUNT]);

/* Copies what there still is of the command's output, without waiting for more, and closes everything. Idempotent. */
void relays_finish(struct relays *relays);

#endif
