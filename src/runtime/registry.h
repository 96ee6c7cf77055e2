/*
 * The sandboxes that others can find: those with a name, and detached ones. Each has a directory below
 * STATE/sandboxes, called ID or ID-NAME:
 *
 *	record.json  what it is, and where its supervisor listens (runtime/record.h); complete before anybody can find it
 *	log, log.1…  what a detached one wrote (runtime/output_log.h)
 *	exit.json    how it ended
 *	kept.json, ids.json, layer  of one that is kept (runtime/kept.h)
 *
 * A supervisor holds an exclusive flock(2) on the directory: that nobody has it tells of an end, whatever the
 * end was, a reboot too. No process id is ever stored or signalled. Entries are made, renamed and removed under an
 * exclusive lock of STATE/sandboxes, and listed under a shared one, so nobody meets a half-made one. What is removed is
 * called .ID-NAME while that takes its time; nobody finds it then, and the next command goes on with it.
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
/* The same as an error: 0, or -EINVAL with E_USAGE. `what` is "--name" or the like. */
int registry_check_name(const char *name, const char *what, struct sandbox_error *error);

/* An entry, by descriptor. */
struct registry_entry {
	int all;                         /* STATE/sandboxes, or -1 */
	int directory;                   /* its own, or -1 */
	int hold;                        /* on its name (registry_hold_name), or -1 */
	char called[REGISTRY_ENTRY_SIZE]; /* ID or ID-NAME */
	char id[REGISTRY_ID_SIZE];
};

#define REGISTRY_ENTRY_INIT {.all = -1, .directory = -1, .hold = -1}

/* What follows the id, or NULL. */
const char *registry_entry_name(const struct registry_entry *entry);
/* Closes it; a lock that it holds is given back. Idempotent. */
void registry_entry_finish(struct registry_entry *entry);

/* Whether nothing is to stay of an entry whose sandbox has ended. */
typedef bool registry_burial(const struct registry_entry *entry);

/* Writes the files of an entry that nobody can find yet. 0 or -errno. */
typedef int registry_filler(void *context, const struct registry_entry *entry, struct sandbox_error *error);

/*
 * Makes an entry for this process, with the lock, and of one that is kept with a hold on its name, from before anybody can
 * find it. `name` may be NULL; a dead sandbox that had it, and is to be buried, gives it up. 0 or -errno with E_NAME_IN_USE;
 * to be finished in either case.
 */
int registry_add(const char *state, const char *name, registry_burial *bury, registry_filler *fill, void *context,
	struct registry_entry *out, struct sandbox_error *error);

/*
 * Removes an entry on which the caller has the lock, and finishes it. `bury` removes what is outside of it, once nobody
 * finds it any more; its answer does not count. Idempotent. 0, also when something of it is yet to be cleared away, or
 * -errno: then it stays.
 */
int registry_remove(struct registry_entry *entry, registry_burial *bury, struct sandbox_error *error);

/* Looks what it is called now: it may have been renamed meanwhile, or removed (-ENOENT). 0 or -errno. */
int registry_refresh(struct registry_entry *entry);

/*
 * The entry of a kept sandbox is not renamed, and its record not changed, until registry_let_name: who starts it reads the
 * record, and names a path to mount its layer. Both are idempotent. A child of this process holds it as well, until it is let
 * go or all have closed it. 0 or -errno, ENOENT when it is not kept, or was removed meanwhile.
 */
int registry_hold_name(struct registry_entry *entry, struct sandbox_error *error);
void registry_let_name(struct registry_entry *entry);

/*
 * For whoever changes either of them, until *out is closed. `what` is "rename" or the like. 0 or -errno: ENOENT when it is
 * not kept, EBUSY with E_SANDBOX_STATE when a start of it takes too long.
 */
int registry_lock_name(const struct registry_entry *entry, const char *what, int *out, struct sandbox_error *error);

/* Gives it another name. 0 or -errno: E_NAME_IN_USE, or as registry_lock_name. */
int registry_rename(struct registry_entry *entry, const char *name, registry_burial *bury, struct sandbox_error *error);

/* Whether somebody holds the lock of an entry: its sandbox lives. */
bool registry_is_live(const struct registry_entry *entry);

/* -EBUSY with E_SANDBOX_STATE: what is said of one that lives. */
int registry_refuse_live(const struct registry_entry *entry, struct sandbox_error *error);

/*
 * Takes the lock of an entry whose sandbox has ended, so that it stays like that. 0 or -errno: EBUSY with E_SANDBOX_STATE
 * while it lives, ENOENT with E_SANDBOX_UNKNOWN when it was removed meanwhile.
 */
int registry_lock_idle(struct registry_entry *entry, struct sandbox_error *error);

/*
 * Until the descriptor is closed, no entry is made, renamed or removed. A descriptor, -ENOENT where there never was an entry
 * (it makes nothing: who asks may be about to make room on a full disk), or -errno.
 */
int registry_hold(const char *state, struct sandbox_error *error);

/*
 * Finds the entry with that id, else that name, else the one whose id begins so. 0 or -errno: ENOENT with
 * E_SANDBOX_UNKNOWN.
 */
int registry_find(const char *state, const char *reference, struct registry_entry *out, struct sandbox_error *error);

/* -ENOENT with E_SANDBOX_UNKNOWN: what is said of one that does not exist, or of several that may be meant. */
int registry_unknown(const char *reference, bool ambiguous, struct sandbox_error *error);

/*
 * Calls `visit` for every entry, in no order, until it fails. No entry is made, renamed or removed meanwhile. What
 * `visit` is given is closed afterwards. A missing registry is an empty one. 0 or -errno.
 */
typedef int registry_visitor(void *context, const struct registry_entry *entry, struct sandbox_error *error);
int registry_visit(const char *state, registry_visitor *visit, void *context, struct sandbox_error *error);

/*
 * Removes the entries of dead sandboxes for which `bury` is true, unless another process uses the registry; and what was
 * left half removed.
 */
void registry_sweep(const char *state, registry_burial *bury);

#endif
