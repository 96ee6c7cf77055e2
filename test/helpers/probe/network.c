/* Networks and sockets: what of the host can be reached, and which families can be opened at all. */
#include "probe.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <ifaddrs.h>
#include <linux/netlink.h>
#include <net/if.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

/* --- the host's --- */

static void host_loopback(struct probe *probe)
{
	struct sockaddr_in address = {
		.sin_family = AF_INET,
		.sin_port = htons((unsigned short)probe->planted->port),
		.sin_addr.s_addr = htonl(INADDR_LOOPBACK),
	};
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

	if (!answer_unplanted(probe, probe->planted->port >= 0))
		answer_result(probe, connect(fd, (struct sockaddr *)&address, sizeof(address)));
}

static void connect_unix(struct probe *probe, const char *name, bool abstract)
{
	struct sockaddr_un address = {.sun_family = AF_UNIX};
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	size_t length = 0;

	if (answer_unplanted(probe, name != NULL))
		return;
	length = strnlen(name, sizeof(address.sun_path) - 2);
	memcpy(address.sun_path + abstract, name, length);
	answer_result(probe,
		connect(fd, (struct sockaddr *)&address,
			(socklen_t)(offsetof(struct sockaddr_un, sun_path) + abstract + length + !abstract)));
}

static void host_abstract_socket(struct probe *probe)
{
	connect_unix(probe, probe->planted->abstract, true);
}

static void host_path_socket(struct probe *probe)
{
	connect_unix(probe, probe->planted->socket, false);
}

/* 192.0.2.0/24 is nobody's (RFC 5737): only the route to it is asked for. */
static void outside_world(struct probe *probe)
{
	struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons(9)};
	int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);

	(void)inet_pton(AF_INET, "192.0.2.1", &address.sin_addr);
	answer_result(probe, connect(fd, (struct sockaddr *)&address, sizeof(address)));
}

/* --- its own --- */

static void interfaces(struct probe *probe)
{
	struct if_nameindex *list = if_nameindex();
	char *words[64];
	size_t count = 0;

	if (!list) {
		answer_errno(probe);
		return;
	}
	while (count < 64 && list[count].if_name) {
		words[count] = list[count].if_name;
		count++;
	}
	answer_sorted(probe, words, count);
}

static void loopback_up(struct probe *probe)
{
	struct ifreq request = {.ifr_name = "lo"};
	int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);

	if (ioctl(fd, SIOCGIFFLAGS, &request) < 0)
		answer_errno(probe);
	else
		answer(probe, "%s", request.ifr_flags & IFF_UP ? "up" : "down");
}

static void routes(struct probe *probe)
{
	char text[8192];
	int lines = -1; /* without the heading */

	if (read_text("/proc/self/net/route", text, sizeof(text)) < 0) {
		answer_errno(probe);
		return;
	}
	for (const char *at = text; *at; at++)
		lines += *at == '\n';
	answer(probe, "%s", lines > 0 ? "some" : "none");
}

/* A server and a client of its own must find each other, or the sandbox is of little use. */
static void own_loopback(struct probe *probe)
{
	struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	socklen_t length = sizeof(address);
	int server = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	int client = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

	if (bind(server, (struct sockaddr *)&address, length) < 0 || listen(server, 1) < 0 ||
		getsockname(server, (struct sockaddr *)&address, &length) < 0)
		answer_errno(probe);
	else
		answer_result(probe, connect(client, (struct sockaddr *)&address, length));
}

static void low_port(struct probe *probe)
{
	struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons(81)};
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

	answer_result(probe, bind(fd, (struct sockaddr *)&address, sizeof(address)));
}

static void bring_loopback_down(struct probe *probe)
{
	struct ifreq request = {.ifr_name = "lo", .ifr_flags = IFF_UP};
	int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);

	answer_result(probe, ioctl(fd, SIOCSIFFLAGS, &request));
}

/* --- families --- */

struct family {
	int family, type, protocol;
};

static void open_socket(struct probe *probe)
{
	const struct family *family = probe->check->argument;

	answer_result(probe, socket(family->family, family->type | SOCK_CLOEXEC, family->protocol));
}

static void open_pair(struct probe *probe)
{
	const struct family *family = probe->check->argument;
	int ends[2];

	answer_result(probe, socketpair(family->family, family->type | SOCK_CLOEXEC, family->protocol, ends));
}

static bool opens(int family)
{
	static const int types[] = {SOCK_STREAM, SOCK_DGRAM, SOCK_RAW, SOCK_RDM, SOCK_SEQPACKET};

	for (size_t i = 0; i < sizeof(types) / sizeof(types[0]); i++) {
		int fd = socket(family, types[i] | SOCK_CLOEXEC, 0);

		if (fd >= 0) {
			close(fd);
			return true;
		}
	}
	return false;
}

/* By number, as a machine may have families that this program's headers do not name. */
static void open_families(struct probe *probe)
{
	for (int family = 0; family < 64; family++) {
		if (opens(family))
			answer_more(probe, "%s%d", probe->answer[0] ? " " : "", family);
	}
}

#define FAMILY(...) (&(const struct family){__VA_ARGS__})

enum { PROTOCOL_CRYPTO = 21 };

static const struct check items[] = {
	{"network.host_loopback", host_loopback},
	{"network.host_abstract_socket", host_abstract_socket},
	{"network.host_path_socket", host_path_socket},
	{"network.outside_world", outside_world},
	{"network.interfaces", interfaces},
	{"network.loopback", loopback_up},
	{"network.own_loopback", own_loopback},
	{"network.routes", routes},
	{"network.low_port", low_port},
	{"network.configure", bring_loopback_down},
	{"socket.families", open_families},
	{"socket.alg", open_socket, FAMILY(AF_ALG, SOCK_SEQPACKET, 0)},
	{"socket.vsock", open_socket, FAMILY(AF_VSOCK, SOCK_STREAM, 0)},
	{"socket.packet", open_socket, FAMILY(AF_PACKET, SOCK_RAW, 0)},
	{"socket.packet_datagram", open_socket, FAMILY(AF_PACKET, SOCK_DGRAM, 0)},
	{"socket.bluetooth", open_socket, FAMILY(AF_BLUETOOTH, SOCK_RAW, 0)},
	{"socket.can", open_socket, FAMILY(AF_CAN, SOCK_RAW, 1)},
	{"socket.tipc", open_socket, FAMILY(AF_TIPC, SOCK_SEQPACKET, 0)},
	{"socket.rds", open_socket, FAMILY(AF_RDS, SOCK_SEQPACKET, 0)},
	{"socket.kcm", open_socket, FAMILY(AF_KCM, SOCK_SEQPACKET, 0)},
	{"socket.smc", open_socket, FAMILY(AF_SMC, SOCK_STREAM, 0)},
	{"socket.xdp", open_socket, FAMILY(AF_XDP, SOCK_RAW, 0)},
	{"socket.nfc", open_socket, FAMILY(AF_NFC, SOCK_SEQPACKET, 0)},
	{"socket.key", open_socket, FAMILY(AF_KEY, SOCK_RAW, 2)},
	{"socket.inet", open_socket, FAMILY(AF_INET, SOCK_STREAM, 0)},
	{"socket.inet6", open_socket, FAMILY(AF_INET6, SOCK_STREAM, 0)},
	{"socket.raw", open_socket, FAMILY(AF_INET, SOCK_RAW, IPPROTO_ICMP)},
	{"socket.raw6", open_socket, FAMILY(AF_INET6, SOCK_RAW, IPPROTO_ICMPV6)},
	{"socket.ping", open_socket, FAMILY(AF_INET, SOCK_DGRAM, IPPROTO_ICMP)},
	{"socket.unix_pair", open_pair, FAMILY(AF_UNIX, SOCK_STREAM, 0)},
	{"socket.tipc_pair", open_pair, FAMILY(AF_TIPC, SOCK_SEQPACKET, 0)},
	{"socket.netlink_route", open_socket, FAMILY(AF_NETLINK, SOCK_RAW, NETLINK_ROUTE)},
	{"socket.netlink_audit", open_socket, FAMILY(AF_NETLINK, SOCK_RAW, NETLINK_AUDIT)},
	{"socket.netlink_netfilter", open_socket, FAMILY(AF_NETLINK, SOCK_RAW, NETLINK_NETFILTER)},
	{"socket.netlink_crypto", open_socket, FAMILY(AF_NETLINK, SOCK_RAW, PROTOCOL_CRYPTO)},
};

const struct checks checks_network = CHECKS(items);
