/*
 * Names of what lives as long as its tool, such as control groups. A name is a locked file; that nobody holds the lock
 * tells of a death.
 */
#ifndef RUNTIME_NAME_H
#define RUNTIME_NAME_H

#include <stdbool.h>

#include "base/error.h"

/* A kind of names is the directory below the runtime directory that its files are in. */
extern const char name_kind_group[];

struct name_lease {
	int names;  /* the directory of names, or -1 */
	int lock;   /* the locked file in it, or -1 */
	char *name; /* once it is ours */
};

#define NAME_LEASE_INIT {.names = -1, .lock = -1}

/* Takes the name in `runtime`, which is made if it is missing. 0 or -errno with E_NAME_IN_USE; release in either case. */
int name_take(struct name_lease *lease, const char *runtime, const char *kind, const char *name,
	struct sandbox_error *error);

/* Gives it back. Idempotent. */
void name_release(struct name_lease *lease);

/*
 * Removes the names of one kind whose tool was killed, once `clean` (NULL: nothing to do) has removed what the file
 * `lock` speaks of; a name for which it returns false stays for the next time.
 */
void names_sweep(const char *runtime, const char *kind, bool (*clean)(int lock));

#endif
