/* What --net needs. */
#include "doctor/check.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/if_tun.h>
#include <net/if.h>
#include <sched.h>
#include <sys/ioctl.h>

#include "base/scope.h"
#include "network/network.h"
#include "userns/userns.h"

/* As pasta does it: a tap interface in a network namespace of one's own. */
static int make_tap(void *argument, struct sandbox_error *error)
{
	struct ifreq request = {.ifr_name = "probe0", .ifr_flags = IFF_TAP | IFF_NO_PI};
	auto_close int tun = -1;

	(void)argument;
	if (unshare(CLONE_NEWNET) < 0)
		return error_set(error, errno, "make a network namespace");
	tun = open("/dev/net/tun", O_RDWR | O_CLOEXEC);
	if (tun < 0)
		return network_explain_tun(errno, error);
	return ioctl(tun, TUNSETIFF, &request) < 0 ? error_set(error, errno, "make a tap interface") : 0;
}

int check_tun(const struct examination *examination, struct check_report *report)
{
	return userns_run(&examination->idmap, make_tap, NULL, &report->error);
}
