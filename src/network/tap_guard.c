#include "network/tap_guard.h"

#include <errno.h>
#include <linux/filter.h>
#include <linux/if_ether.h>
#include <linux/if_tun.h>
#include <net/if.h>
#include <sys/ioctl.h>
#include <sys/pidfd.h>

#include "base/scope.h"

enum {
	DESCRIPTOR_GAP_MAX = 64, /* numbers in a row that are not open: there will be no others */
	ETHER_TYPE = 12,
	IPV4_DESTINATION = ETH_HLEN + 16,
	IPV6_DESTINATION = ETH_HLEN + 24,
};

#define LOAD_HALF(offset)             BPF_STMT(BPF_LD | BPF_H | BPF_ABS, offset)
#define LOAD_WORD(offset)             BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offset)
#define MASK(bits)                    BPF_STMT(BPF_ALU | BPF_AND | BPF_K, bits)
#define EQUAL(value, if_so, if_not)   BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, value, if_so, if_not)
#define PASS                          BPF_STMT(BPF_RET | BPF_K, 0xffffffff)
#define DROP                          BPF_STMT(BPF_RET | BPF_K, 0)

/* Jumps count the instructions that they leave out. */
static struct sock_filter program[] = {
	LOAD_HALF(ETHER_TYPE),
	EQUAL(ETH_P_IP, 0, 5),
	/* 127.0.0.0/8; and 0.0.0.0/8, since to connect to 0.0.0.0 is to connect to oneself. */
	LOAD_WORD(IPV4_DESTINATION),
	MASK(0xff000000),
	EQUAL(0x7f000000, 12, 0),
	EQUAL(0, 11, 0),
	PASS,
	EQUAL(ETH_P_IPV6, 0, 8),
	/* ::/96, in which are ::1 and ::, and the IPv4 addresses of ::ffff:0:0/96. */
	LOAD_WORD(IPV6_DESTINATION),
	EQUAL(0, 0, 6),
	LOAD_WORD(IPV6_DESTINATION + 4),
	EQUAL(0, 0, 4),
	LOAD_WORD(IPV6_DESTINATION + 8),
	EQUAL(0, 3, 0),
	EQUAL(0x0000ffff, 2, 0),
	PASS,
	PASS,
	DROP,
};

/* A copy of the process's descriptor of a tap device, or -errno. */
static int find_tap(int pidfd)
{
	struct ifreq interface;

	for (int number = 0, gap = 0; gap < DESCRIPTOR_GAP_MAX; number++) {
		auto_close int copy = pidfd_getfd(pidfd, number, 0);

		if (copy < 0 && errno != EBADF)
			return -errno;
		if (copy >= 0 && ioctl(copy, TUNGETIFF, &interface) == 0)
			return take_fd(&copy);
		gap = copy < 0 ? gap + 1 : 0;
	}
	return -ENODEV;
}

int tap_guard_attach(int pidfd, struct sandbox_error *error)
{
	struct sock_fprog filter = {.len = array_count(program), .filter = program};
	auto_close int tap = find_tap(pidfd);

	if (tap < 0)
		return error_set(error, -tap, "find pasta's tap device");
	if (ioctl(tap, TUNATTACHFILTER, &filter) < 0)
		return error_set(error, errno, "guard pasta's tap device");
	return 0;
}
