/* What --net needs. */
#include "doctor/check.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/if_tun.h>
#include <net/if.h>
#include <sched.h>
#include <stdio.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "base/packages.h"
#include "base/scope.h"
#include "userns/userns.h"

static const char tun_device[] = "/dev/net/tun";

static int explain_tun(int code, struct sandbox_error *error)
{
	error_set(error, code, "open %s", tun_device);
	switch (code) {
	case ENOENT:
		/* The driver's entry in sysfs: then only the node is missing, as in containers. */
		if (access("/sys/class/misc/tun", F_OK) == 0) {
			error_cause(error, SANDBOX_E_NONE, "the device has no node here, although its driver is there");
			return error_fix(error, "sudo mkdir -p /dev/net && sudo mknod -m 0666 %s c 10 200", tun_device);
		}
		error_cause(error, SANDBOX_E_NONE, "the device is not there: the module tun is not loaded");
		return error_fix(error, "sudo modprobe tun");
	case ENODEV:
	case ENXIO:
		error_cause(error, SANDBOX_E_NONE, "the kernel has no tun device: the module tun is not loaded");
		return error_fix(error, "sudo modprobe tun");
	case EACCES:
	case EPERM:
		error_cause(error, SANDBOX_E_NONE, "only root may open it here, or the container's device rules forbid it");
		return error_fix(error, "sudo chmod 0666 %s", tun_device);
	default:
		return -code;
	}
}

/* As pasta does it: a tap interface in a network namespace of one's own. */
static int make_tap(void *argument, struct sandbox_error *error)
{
	struct ifreq request = {.ifr_name = "probe0", .ifr_flags = IFF_TAP | IFF_NO_PI};
	auto_close int tun = -1;

	(void)argument;
	if (unshare(CLONE_NEWNET) < 0)
		return error_set(error, errno, "make a network namespace");
	tun = open(tun_device, O_RDWR | O_CLOEXEC);
	if (tun < 0)
		return explain_tun(errno, error);
	return ioctl(tun, TUNSETIFF, &request) < 0 ? error_set(error, errno, "make a tap interface") : 0;
}

int check_tun(const struct examination *examination, struct check_report *report)
{
	return userns_run(&examination->idmap, make_tap, NULL, &report->error);
}
