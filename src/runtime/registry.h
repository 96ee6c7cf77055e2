/*
 * The sandboxes that others can find: those with a name, and detached ones. Each has a directory below
 * STATE/sandboxes, called ID or ID-NAME:
 *
 *	record.json  what it is, and where its supervisor listens (runtime/record.h); complete before anybody can find it
 *	log, log.1   what a detached one wrote (runtime/output_log.h)
 *	exit.json    how it ended
 *
 * A supervisor holds an exclusive flock(2) on the directory: that nobody has it tells of an end, whatever the
 * end was, a reboot too. No process id is ever stored or signalled. Entries are made, renamed and removed under an
 * exclusive lock of STATE/sandboxes, and listed under a shared one, so nobody meets a half-made one.
 */
#ifndef RUNTIME_REGISTRY_H
#define RUNTIME_REGISTRY_H

#include <stdbool.h>

#include "base/error.h"

enum {
	REGISTRY_ID_SIZE = 13, /* twelve hexadecimal digits and a NUL */
	REGISTRY_NAME_MAX = 64,
	REGISTRY_ENTRY_SIZE = REGISTRY_ID_SIZE + 1 + REGISTRY_NAME_MAX,
};

/* A letter or digit, then letters, digits, '_', '.' and '-', as for Docker; REGISTRY_NAME_MAX at most. */
bool registry_name_is_valid(const char *name);

/* An entry, by descriptor. */
struct registry_entry {
	int all;                         /* STATE/sandboxes, or -1 */
	int directory;                   /* its own, or -1 */
	char called[REGISTRY_ENTRY_SIZE]; /* ID or ID-NAME */
	char id[REGISTRY_ID_SIZE];
};

#define REGISTRY_ENTRY_INIT {.all = -1, .directory = -1}

/* What follows the id, or NULL. */
const char *registry_entry_name(const struct registry_entry *entry);
/* Closes it; a lock that it holds is given back. Idempotent. */
void registry_entry_finish(struct registry_entry *entry);

/*
 * Makes an entry for this process, with the lock and with `record` as its record.json. `name` may be NULL.
 * 0 or -errno with E_NAME_IN_USE; to be finished in either case.
 */
int registry_add(const char *state, const char *name, const char *record, struct registry_entry *out,
	struct sandbox_error *error);

/* Removes an entry on which the caller has the lock, and finishes it. Idempotent. */
void registry_remove(struct registry_entry *entry);

/* Whether somebody holds the lock of an entry: its sandbox lives. */
bool registry_is_live(const struct registry_entry *entry);

/* Takes the lock of an entry whose sandbox has ended. 0, or -EWOULDBLOCK while it lives. */
int registry_lock(const struct registry_entry *entry);

/*
 * Finds the entry with that id, else that name, else the one whose id begins so. 0 or -errno: ENOENT with
 * E_SANDBOX_UNKNOWN.
 */
int registry_find(const char *state, const char *reference, struct registry_entry *out, struct sandbox_error *error);

/*
 * Calls `visit` for every entry, in no order, until it fails. No entry is made, renamed or removed meanwhile. What
 * `visit` is given is closed afterwards. A missing registry is an empty one. 0 or -errno.
 */
typedef int registry_visitor(void *context, const struct registry_entry *entry, struct sandbox_error *error);
int registry_visit(const char *state, registry_visitor *visit, void *context, struct sandbox_error *error);

/*
 * Calls `bury` for every entry whose sandbox has ended, and removes those for which that is true. Skipped while another
 * process changes the registry.
 */
void registry_sweep(const char *state, bool (*bury)(const struct registry_entry *entry));

#endif
