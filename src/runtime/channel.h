/*
 * The one wire between supervisor and init: a SOCK_SEQPACKET pair that carries one fixed message.
 * The error value is part of it, so what fails deep in init reaches the user as the same sentence.
 * Either side learns of the other's death by the end of the stream.
 */
#ifndef RUNTIME_CHANNEL_H
#define RUNTIME_CHANNEL_H

#include <stdint.h>
#include <sys/types.h>

#include "base/error.h"

/* In the order of a normal life. The arrow says who sends. */
enum channel_step {
	CHANNEL_IDS_MAPPED,  /* → init: the maps are written, and it is in its cgroup */
	CHANNEL_NAMESPACES,  /* ← descriptors of its user and network namespace, where something is to connect that */
	CHANNEL_VIEW,        /* ← descriptors to watch its processes and files by, where limits are watched */
	CHANNEL_SETUP_DONE,  /* ← the root is built and entered, the user is known */
	CHANNEL_START,       /* → init: run the payload */
	CHANNEL_EXEC_OK,     /* ← the exec succeeded: the payload's, or that of another command */
	CHANNEL_SIGNAL,      /* → init: `value` is a signal for the payload */
	CHANNEL_EXITED,      /* ← `value` is the payload's raw wait status */
	CHANNEL_EXEC,        /* → init, from another command: one more (runtime/session.h) */
	CHANNEL_WAIT,        /* from another command to the supervisor: tell of the end */
	CHANNEL_ATTACH,      /* likewise: give a descriptor to write to its standard input, if there is one */
	CHANNEL_PROCESSES,   /* likewise: give a pidfd of init */
	CHANNEL_DONE,        /* its answer to everything else */
	CHANNEL_ERROR,       /* ← `error`: init gave up, and is ending */
	CHANNEL_FILES,       /* → init, from another command: descriptors of its files (runtime/files.h) */
	CHANNEL_STEP_COUNT
};

enum {
	CHANNEL_EXITED_ROOT_FULL = 1, /* a flag of CHANNEL_EXITED: the writable layer ran full */
	CHANNEL_FDS_MAX = 8,
};

struct channel_message {
	enum channel_step step;
	int32_t value;
	uint32_t flags;
	uint32_t fd_count; /* set by the receiver: how many of fds came along; the caller closes them */
	int fds[CHANNEL_FDS_MAX];
	struct sandbox_error error;
};

/* Both ends, close-on-exec. 0 or -errno. */
int channel_make(int ends[2], struct sandbox_error *error);

/*
 * Sends a message with `count` descriptors. Never waits: no queue of these is full but that of a process which does not
 * read any more, because it is paused or stopped. 0 or -errno: -EPIPE when the other side died, -EAGAIN for such a one.
 */
int channel_send(int channel, enum channel_step step, int32_t value, uint32_t flags, const int *fds, size_t count,
	struct sandbox_error *error);
int channel_send_error(int channel, const struct sandbox_error *failure);

/*
 * Receives the next message, whatever it is. 1, 0 when the other side is gone, or -errno: -EMFILE when this process may
 * not have all the descriptors that came along; then it has none of them.
 */
int channel_receive(int channel, struct channel_message *out, struct sandbox_error *error);

/*
 * Receives the message of this step. The peer's error, its death or a wrong step become this call's
 * error. *out may be NULL when the step carries nothing. 0 or -errno.
 */
int channel_expect(int channel, enum channel_step step, struct channel_message *out, struct sandbox_error *error);

/* Closes the descriptors that came along with a message, where nobody takes them. */
void channel_drop(const struct channel_message *message);

const char *channel_step_name(enum channel_step step);

#endif
