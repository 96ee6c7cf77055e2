/*
 * --status-fd of sandbox-run(1), "STATUS": what becomes of a sandbox, told to whoever started it, as it happens. The lines
 * are those of `sandbox events`, and there is one for what never ran, too.
 */
#ifndef RUNTIME_STATUS_H
#define RUNTIME_STATUS_H

#include "base/error.h"
#include "runtime/events.h"

/*
 * The descriptor that `text` names, above the first three and the `preserved` ones, open for writing; it is closed on
 * exec(2) from now on. NULL: -1. 0 or -errno with E_USAGE.
 */
int status_decide(const char *text, unsigned int preserved, int *out, struct sandbox_error *error);

/* A line. Nobody waits for a reader, and one who has gone is no error; -1: nobody is told. SIGPIPE is blocked, or comes. */
void status_tell(int fd, const struct event *event);

/* The command never ran: "fail". `text` as above: it is told what can be told. */
void status_tell_failure(const char *text, const struct sandbox_error *error);

#endif
