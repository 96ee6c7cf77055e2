/*
 * The only mutable runtime object: what exists of a sandbox outside of its own namespaces. Everything
 * is recorded here before it is made, so that container_finish can always undo it.
 */
#ifndef RUNTIME_CONTAINER_H
#define RUNTIME_CONTAINER_H

#include <sandbox/container.h>
#include <sys/types.h>

#include "base/error.h"
#include "base/interrupt.h"
#include "cgroup/sampler.h"
#include "network/uplink.h"
#include "process/output_relay.h"
#include "process/terminal.h"
#include "runtime/control.h"
#include "runtime/detach.h"
#include "runtime/group.h"
#include "runtime/holder.h"
#include "runtime/output_log.h"
#include "runtime/plan.h"
#include "runtime/registry.h"
#include "runtime/upper.h"

struct container {
	pid_t init;            /* 0 when there is none, or once it was reaped */
	int init_pidfd;
	int channel;
	struct held held;      /* what a holder gave, until init has it */
	struct uplink uplink;  /* what connects its network to the host's */
	pid_t chore;           /* what the supervisor has done beside the payload; 0 when there is none */
	struct output_relay output; /* the caller's files that the payload writes to */
	struct terminal terminal; /* the caller's terminal is to be restored */
	struct registry_entry entry; /* where others find it */
	struct control control;
	struct output_log log;
	const char *runtime, *image;  /* for events; borrowed, NULL before they are known */
	int status_fd;                /* who is told besides, or -1; borrowed */
	int input;                    /* leads to the standard input of a detached one, or -1 */
	bool remove;                  /* the entry, at its end */
	bool again;                   /* it was there before: it stays also when this start fails */
	const char *cidfile, *pidfile; /* what was made; of the plan */
	struct upper_layer upper;
	struct group_lease group;
	bool ended;                   /* `result` is how it ended */
	struct sandbox_result result;
	struct sampler sampler; /* where limits are watched */
};

#define CONTAINER_INIT \
	{ \
		.init = 0, .init_pidfd = -1, .channel = -1, .held = HELD_INIT, .input = -1, .status_fd = -1, \
		.uplink = UPLINK_INIT, \
		.terminal = TERMINAL_INIT, .output = OUTPUT_RELAY_INIT, \
		.entry = REGISTRY_ENTRY_INIT, .control = CONTROL_INIT, .log = OUTPUT_LOG_INIT, .upper = UPPER_LAYER_INIT, \
		.group = GROUP_LEASE_INIT, .sampler = SAMPLER_INIT, \
	}

/* Removes what earlier commands left behind because they were killed: entries, writable layers, groups. */
void container_sweep(const struct sandbox_locations *locations, const struct plan *plan);

/*
 * Makes the entry of a sandbox that others can find, with its socket and the log of what a detached one writes
 * (E_NAME_IN_USE), the directory of a writable layer on disk, whose path goes into plan->root.upper, and the control
 * group. `detached` is NULL for one that is attached. `again` is the entry of one that is started once more, with its
 * lock and a hold on its name, and taken; or NULL. 0 or -errno.
 */
int container_create(struct container *container, const struct sandbox_locations *locations, struct plan *plan,
	struct registry_entry *again, struct detached *detached, struct sandbox_error *error);

/* Makes the entry of a kept sandbox that is not started yet. 0 or -errno; *out is to be finished in either case. */
int container_add_entry(const struct sandbox_locations *locations, const struct plan *plan, bool starts,
	struct registry_entry *out, struct sandbox_error *error);

/* Writes the process id of init where the plan wants it. 0 or -errno. */
int container_show_init(struct container *container, const struct plan *plan, struct sandbox_error *error);

/* Its start has failed. Of one that was there before this is how it ended: as a shell says it, 125 to 127. */
void container_fail(struct container *container, const struct sandbox_error *error);

/* The command runs: an event, where others can find it; and it may get another name. */
void container_tell_start(struct container *container);

/*
 * Ends init if it still lives and removes everything that was recorded, but for the entry of a detached sandbox that
 * has run, where its end is written down; then those who wait for it are told. Idempotent.
 */
void container_finish(struct container *container);

/*
 * Waits for what the supervisor had done beside the payload; a signal that ends this process ends that, too. Until
 * then it is not forgotten by container_finish.
 */
void container_wait_chore(struct container *container, const struct interrupt *interrupt);

/*
 * In a child of the supervisor that only works beside it: closes what tells others that the sandbox lives, and what they
 * talk to.
 */
void container_forget(struct container *container);

#endif
