/*
 * The network namespace is the dearest of all, as long in the making as all the others and the mounts of a root: it is
 * made by a thread of its own, beside them. network_namespaces(7).
 */
#ifndef NETWORK_NAMESPACE_H
#define NETWORK_NAMESPACE_H

#include <pthread.h>
#include <stdbool.h>

#include "base/error.h"

struct network_namespace {
	pthread_t thread;
	bool running;
	int fd;
	struct sandbox_error error;
};

#define NETWORK_NAMESPACE_INIT {.fd = -1}

/*
 * Begins to make a network namespace, owned by the caller's user namespace, whose loopback interface is up. *out must
 * stay where it is until it was entered. Until then the process has two threads: glibc's functions that change ids
 * would wait for the other one.
 */
void network_namespace_start(struct network_namespace *out);

/* Waits for it and enters it; then the process has one thread again. 0 or -errno. */
int network_namespace_enter(struct network_namespace *network, struct sandbox_error *error);

#endif
