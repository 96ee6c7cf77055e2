/*
 * A filter on the sandbox's side of a tap device that keeps what is addressed to a loopback address away from the
 * process behind it.
 *
 * Inside, 127.0.0.1 is the sandbox's own, but a socket bound to the tap's interface (SO_BINDTODEVICE or IP_PKTINFO,
 * which need no privilege) sends there all the same. pasta before late 2023, Debian 12's among them, then sends it on
 * to the host's 127.0.0.1. Routes and rules cannot forbid it: for a socket bound to an interface, a destination
 * without a route is taken to be on its link. Whoever has CAP_NET_RAW writes any packet anyway.
 */
#ifndef NETWORK_TAP_GUARD_H
#define NETWORK_TAP_GUARD_H

#include "base/error.h"

/*
 * Finds the tap device among the descriptors of a process, over which the caller has CAP_SYS_PTRACE, and attaches the
 * filter; it stays as long as the device does. 0 or -errno.
 */
int tap_guard_attach(int pidfd, struct sandbox_error *error);

#endif
