/*
 * Going into the background: the caller's process waits until the command runs, or has failed to, and goes on; a
 * child of it, in a session of its own, is the supervisor.
 */
#ifndef RUNTIME_DETACH_H
#define RUNTIME_DETACH_H

#include <stdbool.h>

#include "base/error.h"
#include "runtime/output_log.h"
#include "runtime/registry.h"

/* In the supervisor: whom to tell. */
struct detached {
	int report;                     /* -1: nobody */
	int input;                      /* leads to this process's standard input, not blocking; -1: that is empty */
	int outputs[OUTPUT_LOG_STREAMS]; /* to be read: what will be written to this process's standard output and error */
};

#define DETACHED_INIT {.report = -1, .input = -1, .outputs = {-1, -1}}

/*
 * Returns twice. In the supervisor *out_supervisor is true: standard input is empty, or with `keep_input` a pipe to be
 * written to by out->input, and what is written to standard output and error comes out of out->outputs. In the caller it
 * is false, and the result is what the supervisor reports, with its id. 0 or -errno.
 */
int detach(struct detached *out, bool keep_input, bool *out_supervisor, char out_id[REGISTRY_ID_SIZE],
	struct sandbox_error *error);

/* The command runs: lets the caller go on. 0, or -EPIPE when he does not wait any more. Not detached: 0. */
int detached_report(struct detached *detached, const char *id);

/* Ends the supervisor, after an error has gone to the caller if he still waits. */
_Noreturn void detached_exit(struct detached *detached, int result, const struct sandbox_error *error);

/* This process's own standard streams, which only the command shall have now. 0 or -errno. */
int detached_drop_streams(struct sandbox_error *error);

#endif
