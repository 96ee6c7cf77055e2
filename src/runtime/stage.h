/*
 * The way into a user namespace that was made earlier (runtime/holder.h). Only a process that may end there can enter
 * it, since there is no way back: so a short-lived child does, the stage, and clones init from there as a child of the
 * supervisor.
 */
#ifndef RUNTIME_STAGE_H
#define RUNTIME_STAGE_H

#include <sys/types.h>

#include "base/error.h"
#include "userns/idmap.h"

struct stage {
	int userns; /* with CLONE_NEWUSER among the flags init gets one of its own in there, and its map is written */
	const struct idmap *idmap;
	uint64_t flags;              /* of clone3(2), for init */
	int cgroup;                  /* where init is to be from the first moment, or -1 */
	void (*main)(void *argument); /* what init does; it does not return */
	void *argument;

	pid_t init;
	int init_pidfd;
};

/*
 * Fills init and init_pidfd: a process in stage->userns, or in a user namespace of its own inside of it (identity), whose
 * map was read back: it is what idmap says. 0; or -errno, and then there is no such process.
 */
int stage_clone_init(struct stage *stage, struct sandbox_error *error);

#endif
