/* The command line of pasta(1): our own options, those of --net=pasta:OPTIONS, and published ports. */
#ifndef NETWORK_PASTA_OPTIONS_H
#define NETWORK_PASTA_OPTIONS_H

#include "network/network.h"

/*
 * Without the program's path, and without the namespace. By default nothing is forwarded in, and nothing leads to
 * the host's loopback interface; `forwarder` (or NULL) is the address at which pasta answers for the host's resolver.
 * 0, or -errno with E_USAGE.
 */
int pasta_options_decide(const struct network_request *request, const char *forwarder, struct sandbox_strings *out,
	struct sandbox_error *error);

#endif
