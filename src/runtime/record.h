/* What is written down of a sandbox in its directory (runtime/registry.h): record.json and exit.json. */
#ifndef RUNTIME_RECORD_H
#define RUNTIME_RECORD_H

#include <sandbox/life.h>

#include "base/error.h"
#include "runtime/plan.h"
#include "runtime/registry.h"

/* The text of record.json for a sandbox that starts now; its supervisor listens below `runtime`. The caller frees. */
char *record_text(const struct plan *plan, const char *runtime);

/* Writes exit.json. 0 or -errno. */
int record_write_exit(const struct registry_entry *entry, const struct sandbox_result *result, struct sandbox_error *error);

/* Reads both, and whether the sandbox lives. 0 or -errno; *out is to be finished on success. */
int record_read(const struct registry_entry *entry, struct sandbox_entry *out, struct sandbox_error *error);

/* A connection to the supervisor, or -errno: ESRCH with E_SANDBOX_STATE when it has ended. */
int record_connect(const struct registry_entry *entry, struct sandbox_error *error);

/*
 * Removes what a killed supervisor left outside of its entry: its socket. True when nothing is to stay of the entry
 * either: the sandbox was attached, or was to be removed at its end. For registry_sweep.
 */
bool record_bury(const struct registry_entry *entry);

#endif
