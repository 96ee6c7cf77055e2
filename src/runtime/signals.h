/*
 * The signals of a process that stands between the caller and a command in a sandbox: what is meant for the command is
 * passed on over the channel, what concerns the caller's terminal is done here.
 */
#ifndef RUNTIME_SIGNALS_H
#define RUNTIME_SIGNALS_H

#include <signal.h>
#include <stdbool.h>

#include "base/error.h"
#include "process/terminal.h"

/*
 * Blocks every signal of this process; *out_previous is to be given back to signals_restore. From here on they are
 * read from a descriptor.
 */
void signals_block(sigset_t *out_previous);
void signals_restore(const sigset_t *previous);

/* TERM, INT, HUP, QUIT, USR1, USR2, and with a terminal WINCH, TSTP, CONT. A signalfd(2) or -errno. */
int signals_open(bool with_terminal, struct sandbox_error *error);

/* Reads one from the descriptor and handles it. The number of one that was passed on, or 0. */
int signals_handle(int signals, struct terminal *terminal, int channel);

#endif
