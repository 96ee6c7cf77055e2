/*
 * The network of a sandbox: none but its own loopback interface, the host's, or the user's own connections through
 * pasta(1). What it will be is decided before anything exists (network_decide, from facts that network_probe has
 * found); whoever starts the sandbox connects it (uplink.h).
 */
#ifndef NETWORK_NETWORK_H
#define NETWORK_NETWORK_H

#include <sandbox/strings.h>
#include <stdbool.h>

#include "base/error.h"

enum network_kind {
	NETWORK_NONE,  /* a network namespace of its own, with the loopback interface up */
	NETWORK_HOST,  /* no network namespace: the host's */
	NETWORK_PASTA, /* its own, and pasta in the host's carries what leaves it */
};

/* What is asked for, in the words of the options. Everything is borrowed. */
struct network_request {
	const char *net; /* none, host, pasta[:OPTIONS]; NULL for the default */
	const struct sandbox_strings *publish;
	const struct sandbox_strings *dns;
	const struct sandbox_strings *dns_search;
	const struct sandbox_strings *add_host;
	bool no_hosts;
	const char *hostname;
};

/* What this machine has. Plain data, so that tests can make it up. */
struct network_facts {
	const char *pasta;       /* the program's absolute path, static; NULL when it is not installed */
	int tun_error;           /* errno of opening /dev/net/tun, 0 when that worked */
	char *resolver;          /* the text of /etc/resolv.conf; NULL when there is none */
	char *upstream_resolver; /* where that names systemd-resolved, the servers that this one asks */
	char *hosts;             /* the text of /etc/hosts */
};

struct network_plan {
	enum network_kind kind;
	struct sandbox_strings arguments; /* pasta's, its path first; it is to be told where the namespace is */
	char *resolver; /* the text of /etc/resolv.conf inside */
	char *hosts;    /* the text of /etc/hosts inside; NULL: the image's */
};

/* Which of the three it is, without looking at anything: 0 or -errno with E_USAGE. */
int network_parse(const struct network_request *request, enum network_kind *out, struct sandbox_error *error);

/* Looks at what this kind of network needs to know of the machine, and at nothing more. */
void network_probe(enum network_kind kind, struct network_facts *out);
void network_facts_finish(struct network_facts *facts);

/*
 * Checks what is asked for, and decides how it will be. 0, or -errno with E_USAGE, E_PASTA_MISSING or E_TUN_UNAVAILABLE;
 * *out is to be finished in either case.
 */
int network_decide(const struct network_request *request, const struct network_facts *facts, struct network_plan *out,
	struct sandbox_error *error);
void network_plan_finish(struct network_plan *plan);

/* Says why /dev/net/tun, which answered `code`, is of no use. Returns like error_set. */
int network_explain_tun(int code, struct sandbox_error *error);

/* Whether the sandbox has a network namespace of its own. */
bool network_is_own(enum network_kind kind);

/* One line on what the sandbox can reach, for the plan. */
const char *network_summary(enum network_kind kind);

/* One line on what a network exposes that is not the sandbox's own; NULL when there is nothing to warn of. */
const char *network_warning(enum network_kind kind);

#endif
