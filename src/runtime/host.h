/* Facts about this machine and who runs us: probed once, plain data, so that tests can make them up. */
#ifndef RUNTIME_HOST_H
#define RUNTIME_HOST_H

#include <stdbool.h>
#include <stdint.h>

#include "base/error.h"
#include "network/network.h"
#include "runtime/host_user.h"
#include "userns/subid.h"

struct host {
	struct host_user user;
	struct id_ranges subuids; /* the user's own */
	struct id_ranges subgids;
	/*
	 * The user is root of a user namespace that is not the host's: his subordinate ids are all others that
	 * exist there, and he needs no helper to map them.
	 */
	bool nested_root;
	/* What any user of the system was given; filled for the host's root only, who must choose. */
	struct id_ranges taken;
	bool newidmap_installed;
	bool no_new_privs;
	bool tmpfs_holds_attributes;
	bool proc_sys_is_read_only; /* in the caller's own /proc, as container runtimes have it */
	int oom_score_adj;
	uint64_t memory; /* bytes */
	struct network_facts network; /* filled by network_probe, once it is known which kind is wanted */
};

/* `with_subids`: whether subordinate ids will be needed at all. 0 or -errno. */
int host_probe(bool with_subids, struct host *out, struct sandbox_error *error);
void host_finish(struct host *host);

#endif
