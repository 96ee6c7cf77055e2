/* The network of a sandbox that has none: its own namespace with the loopback interface up. */
#ifndef NETWORK_LOOPBACK_H
#define NETWORK_LOOPBACK_H

#include "base/error.h"

/* Brings "lo" up in this network namespace: netdevice(7). 0 or -errno. */
int loopback_up(struct sandbox_error *error);

#endif
