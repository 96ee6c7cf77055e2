/*
 * What happens to sandboxes that others can find: RUNTIME/events, a line of JSON for each event, appended by whoever does
 * the thing, the supervisor or another command. sandbox_events of sandbox/life.h reads it. When the file is full it becomes
 * `events.1`, and takes the place of the one before; both are gone at a reboot, as are the sandboxes.
 */
#ifndef RUNTIME_EVENTS_H
#define RUNTIME_EVENTS_H

#include <sandbox/container.h>
#include <sys/types.h>

#include "runtime/registry.h"

enum { EVENTS_SIZE = 1 << 20 };

struct event {
	const char *name; /* of what happened: sandbox_event_names */
	const char *id;      /* or NULL: nobody can find it */
	const char *sandbox; /* its name, or NULL */
	const char *image;   /* or NULL */
	int signal;          /* or 0 */
	const struct sandbox_result *result; /* or NULL */
	pid_t pid;           /* of init, as the host counts, or 0 */
	const struct sandbox_error *error; /* why there is nothing else to tell, or NULL */
};

/* The event as a line of JSON, with its newline. The caller frees. */
char *event_line(const struct event *event);

/* What cannot be written down is not: nothing that a sandbox does hangs on it. */
void event_add(const char *runtime, const struct event *event);

/* The same for an entry, without more to say. */
void event_add_of(const char *runtime, const char *name, const struct registry_entry *entry);

#endif
