/*
 * The socket on which a supervisor hears other commands: RUNTIME/control/ID, SOCK_SEQPACKET, with the messages of
 * runtime/channel.h. Only the same user can come that far (the directory is 0700), and both sides look whether it
 * is him. record.json says where it is, for those whose RUNTIME is another.
 *
 *	SIGNAL  a signal for the command; answered by DONE
 *	EXEC    one more command, passed on to init, which answers whoever asked; here, DONE
 *	FILES   descriptors of its files (runtime/files.h), likewise
 *	ATTACH  answered by DONE, with a descriptor to write to, where the command reads something that we have
 *	PROCESSES  answered by DONE, with a pidfd of init, of whom all processes in there descend
 *	WAIT    answered by EXITED, when that has happened; its value says what for (enum control_wait)
 *
 * and ERROR, where something goes wrong.
 */
#ifndef RUNTIME_CONTROL_H
#define RUNTIME_CONTROL_H

#include <poll.h>
#include <sandbox/container.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/error.h"
#include "runtime/channel.h"
#include "runtime/registry.h"

/* Those of the first kind are bounded in number. */
enum control_wait { CONTROL_WAIT_TO_KNOW, CONTROL_WAIT_TO_END };

struct control_client {
	int socket;
	bool waits; /* for the end */
};

/* The supervisor's side. */
struct control {
	int listener;  /* -1: nobody can come */
	int directory; /* RUNTIME/control, or -1 */
	int input;     /* what leads to the command's standard input, or -1. Borrowed */
	int init;      /* a pidfd. Borrowed */
	int reserve;   /* a descriptor to be given up for one more connection, or -1 */
	char name[REGISTRY_ID_SIZE];
	struct control_client *clients;
	size_t count;
};

#define CONTROL_INIT {.listener = -1, .directory = -1, .input = -1, .init = -1, .reserve = -1}

/* Makes the socket. 0 or -errno with E_HOME_UNUSABLE; to be finished in either case. */
int control_open(struct control *control, const char *runtime, const char *id, struct sandbox_error *error);
/*
 * Removes its name: nobody comes any more, but those who have are still served. Before the sandbox's lock is given back:
 * who starts it again listens under the same name, which is then his to remove. Idempotent.
 */
void control_withdraw(struct control *control);
/* Removes all of it. Idempotent. */
void control_finish(struct control *control);
/* Closes it only: another process goes on to listen. */
void control_forget(struct control *control);

/* How many events control_poll fills. */
size_t control_poll_count(const struct control *control);
void control_poll(const struct control *control, struct pollfd *events);

/* Takes in who has come, and does what is asked for; `channel` leads to init. The signals that were passed on (signal_bit). */
uint64_t control_serve(struct control *control, const struct pollfd *events, int channel);

/* Tells all who wait for it: EXITED, with the number as its value and the cause as its flags. */
void control_tell_end(const struct control *control, const struct sandbox_result *result);

/* -ESRCH with E_SANDBOX_STATE: what is said of a sandbox that runs no more. */
int control_has_ended(struct sandbox_error *error);

/* Where the socket of that sandbox is. The caller frees. */
char *control_path(const char *runtime, const char *id);

/*
 * Asks over such a connection. When the supervisor has turned away who came, its own word is the error. 0 or -errno:
 * ESRCH with E_SANDBOX_STATE when it has ended.
 */
int control_ask(int connection, enum channel_step step, int32_t value, const int *fds, size_t count,
	struct sandbox_error *error);

/* Its answer, DONE. 0, or -errno: its own error, or ESRCH with E_SANDBOX_STATE when it has ended. */
int control_answer(int connection, struct channel_message *out, struct sandbox_error *error);

/* The other side: a connection to the supervisor, or -errno: ESRCH with E_SANDBOX_STATE when it has ended. */
int control_connect(const char *path, struct sandbox_error *error);

#endif
