#include "network/namespace.h"

#include <errno.h>
#include <fcntl.h>
#include <sched.h>

#include "base/scope.h"
#include "network/loopback.h"

/* Namespaces are a thread's own; its descriptors are the process's. */
static void *make(void *argument)
{
	struct network_namespace *network = argument;

	if (unshare(CLONE_NEWNET) < 0) {
		int code = errno;

		error_set(&network->error, code, "make the network namespace");
		if (code == ENOSPC)
			error_cause(&network->error, SANDBOX_E_USERNS_LIMIT,
				"a limit on namespaces is reached, see /proc/sys/user");
		return NULL;
	}
	if (loopback_up(&network->error) < 0)
		return NULL;
	network->fd = open("/proc/thread-self/ns/net", O_RDONLY | O_CLOEXEC);
	if (network->fd < 0)
		error_set(&network->error, errno, "open the network namespace");
	return NULL;
}

void network_namespace_start(struct network_namespace *out)
{
	*out = (struct network_namespace)NETWORK_NAMESPACE_INIT;
	out->running = pthread_create(&out->thread, NULL, make, out) == 0;
	/* Where there may be no more threads, this one is in the new namespace then, and enters it once more. */
	if (!out->running)
		(void)make(out);
}

int network_namespace_enter(struct network_namespace *network, struct sandbox_error *error)
{
	auto_close int fd = -1;

	if (network->running)
		(void)pthread_join(network->thread, NULL);
	network->running = false;
	fd = take_fd(&network->fd);
	if (fd >= 0)
		return setns(fd, CLONE_NEWNET) < 0 ? error_set(error, errno, "enter the network namespace") : 0;
	if (error)
		*error = network->error;
	return network->error.code ? -network->error.code : -EINVAL;
}
