/* What is written down of a sandbox in its directory (runtime/registry.h): record.json and exit.json. */
#ifndef RUNTIME_RECORD_H
#define RUNTIME_RECORD_H

#include <sandbox/life.h>

#include "base/error.h"
#include "runtime/plan.h"
#include "runtime/registry.h"

/*
 * Writes record.json of a sandbox that starts now, for the `starts`th time (0: it was only created); its supervisor listens
 * below `runtime`. What was written of an earlier end holds no more. 0 or -errno.
 */
int record_write(const struct registry_entry *entry, const struct plan *plan, const char *runtime, uint64_t starts,
	int64_t created, struct sandbox_error *error);

/* Writes exit.json. 0 or -errno. */
int record_write_exit(const struct registry_entry *entry, const struct sandbox_result *result, struct sandbox_error *error);

/* Its name, or else its id: for messages. Borrowed. */
const char *record_title(const struct registry_entry *entry);

/* Reads both, and whether the sandbox lives. 0 or -errno; *out is to be finished on success. */
int record_read(const struct registry_entry *entry, struct sandbox_entry *out, struct sandbox_error *error);

/* The same for who has the lock himself: to ask whether somebody has it would give it back. */
int record_read_own(const struct registry_entry *entry, struct sandbox_entry *out, struct sandbox_error *error);

/* A connection to the supervisor, or -errno: ESRCH with E_SANDBOX_STATE when it has ended. */
int record_connect(const struct registry_entry *entry, struct sandbox_error *error);

bool record_is_running(const struct registry_entry *entry);

/* The same of one that may be starting just now, and does not listen yet. */
int record_await_supervisor(const struct registry_entry *entry);

/*
 * Removes what a killed supervisor left outside of its entry: its socket. True when nothing is to stay of the entry
 * either: the sandbox was neither kept nor detached, or was to be removed at its end. For registry_sweep.
 */
bool record_bury(const struct registry_entry *entry);

#endif
