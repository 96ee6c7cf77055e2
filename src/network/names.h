/* How names are found inside: the texts of /etc/resolv.conf and /etc/hosts, resolv.conf(5) and hosts(5). */
#ifndef NETWORK_NAMES_H
#define NETWORK_NAMES_H

#include "network/network.h"

/*
 * The servers given, else the host's that can be reached from inside. *out_forwarder is the address at which pasta is
 * to answer for a resolver on the host's loopback when there is no other, else NULL. The caller frees *out.
 * 0, or -errno with E_USAGE.
 */
int names_decide_resolver(const struct network_request *request, const struct network_facts *facts,
	enum network_kind kind, char **out, const char **out_forwarder, struct sandbox_error *error);

/* *out is NULL when the image's file is to stay. The caller frees it. 0, or -errno with E_USAGE. */
int names_decide_hosts(const struct network_request *request, const struct network_facts *facts, enum network_kind kind,
	char **out, struct sandbox_error *error);

#endif
