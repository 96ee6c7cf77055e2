#include "network/loopback.h"

#include <errno.h>
#include <net/if.h>
#include <sys/ioctl.h>
#include <sys/socket.h>

#include "base/scope.h"

int loopback_up(struct sandbox_error *error)
{
	struct ifreq request = {.ifr_name = "lo", .ifr_flags = IFF_UP | IFF_RUNNING};
	auto_close int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);

	if (fd < 0)
		return error_set(error, errno, "open a socket");
	if (ioctl(fd, SIOCSIFFLAGS, &request) < 0)
		return error_set(error, errno, "bring the loopback interface up");
	return 0;
}
