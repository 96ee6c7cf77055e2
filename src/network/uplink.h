/*
 * What connects a sandbox's network namespace to the host's: pasta(1), and a keeper who is responsible for it.
 *
 * The keeper is PID 1 of a pid namespace of its own, in the sandbox's user namespace but the host's network, and pasta
 * is its only child. Whatever pasta does (it forks, becomes a daemon, changes its credentials), the kernel ends all of
 * it with the keeper, and the keeper ends with the supervisor: by its death signal, and by the end of its channel.
 * To the sandbox neither exists: it has another pid namespace.
 *
 * pasta says that it is ready by writing its pid file, which is a FIFO in a file system that only the two see; nobody
 * sleeps or polls. Then the keeper puts its guard (tap_guard.h) on the tap device.
 *
 * Defence removed in the test build by the name "tap-guard".
 */
#ifndef NETWORK_UPLINK_H
#define NETWORK_UPLINK_H

#include <sys/types.h>

#include "network/network.h"
#include "userns/idmap.h"

struct uplink {
	pid_t keeper; /* our child; 0 for none */
	int channel;  /* readable when there is news; -1 for none */
};

#define UPLINK_INIT {.keeper = 0, .channel = -1}

/*
 * Starts the keeper, and pasta with these arguments. `userns` and `netns` are descriptors of the sandbox's namespaces,
 * whose ids are mapped. 0 or -errno; *out is to be finished in either case.
 */
int uplink_start(const struct sandbox_strings *arguments, const struct idmap *idmap, int userns, int netns,
	struct uplink *out, struct sandbox_error *error);

/* Waits until the sandbox is connected. 0, or -errno with E_PASTA_FAILED. */
int uplink_expect_ready(struct uplink *uplink, struct sandbox_error *error);

/* There is news while the sandbox runs: the connection is gone. *out says why; the channel is closed. */
void uplink_hear_end(struct uplink *uplink, struct sandbox_error *out);

/* Ends and reaps all of it. Idempotent. */
void uplink_finish(struct uplink *uplink);

#endif
