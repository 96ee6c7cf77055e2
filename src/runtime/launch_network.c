#include "runtime/launch_network.h"

#include <errno.h>
#include <fcntl.h>

#include "base/log.h"
#include "base/scope.h"
#include "runtime/channel.h"

enum { NAMESPACE_USER, NAMESPACE_NETWORK, NAMESPACE_COUNT };

/* Only init can open them: it is not dumpable, so that its /proc/PID/ns is closed to others. */
int launch_network_offer(const struct plan *plan, int channel, struct sandbox_error *error)
{
	static const char *const paths[NAMESPACE_COUNT] = {"/proc/self/ns/user", "/proc/self/ns/net"};
	int fds[NAMESPACE_COUNT] = {-1, -1}, result = 0;

	if (plan->network.kind != NETWORK_PASTA)
		return 0;
	for (size_t i = 0; i < NAMESPACE_COUNT && result == 0; i++) {
		fds[i] = open(paths[i], O_RDONLY | O_CLOEXEC);
		if (fds[i] < 0)
			result = error_set(error, errno, "open %s", paths[i]);
	}
	if (result == 0)
		result = channel_send(channel, CHANNEL_NAMESPACES, 0, 0, fds, NAMESPACE_COUNT, error);
	for (size_t i = 0; i < NAMESPACE_COUNT; i++)
		scope_close(&fds[i]);
	return result;
}

int launch_network_start(const struct plan *plan, const struct interrupt *interrupt, struct container *container,
	struct sandbox_error *error)
{
	struct channel_message message;
	int result;

	if (plan->network.kind != NETWORK_PASTA)
		return 0;
	result = interrupt_wait(interrupt, container->channel, error);
	if (result == 0)
		result = channel_expect(container->channel, CHANNEL_NAMESPACES, &message, error);
	if (result < 0)
		return result;
	if (message.fd_count == NAMESPACE_COUNT)
		result = uplink_start(&plan->network.arguments, &plan->idmap, message.fds[NAMESPACE_USER],
			message.fds[NAMESPACE_NETWORK], &container->uplink, error);
	else
		result = error_set(error, EPROTO, "receive the sandbox's namespaces");
	channel_drop(&message);
	return result;
}

int launch_network_expect(const struct interrupt *interrupt, struct container *container, struct sandbox_error *error)
{
	int result;

	if (container->uplink.channel < 0)
		return 0;
	result = interrupt_wait(interrupt, container->uplink.channel, error);
	if (result == 0)
		result = uplink_expect_ready(&container->uplink, error);
	if (result == 0)
		log_debug("the network is connected");
	return result;
}
