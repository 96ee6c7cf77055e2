/*
 * Says a text to an address, through one interface whatever the routes say: any process may bind a socket to an
 * interface (Linux 5.7), and a loopback address then leaves the machine like any other. Over TCP the first part of
 * the answer is printed; it must come within ten seconds. "-" is for any interface.
 * usage: talk tcp|udp INTERFACE ADDRESS PORT TEXT
 */
#include <arpa/inet.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

static int answer(int fd)
{
	char text[512];
	ssize_t size = recv(fd, text, sizeof(text), 0);

	if (size < 0)
		perror("recv");
	if (size <= 0)
		return 1;
	return write(STDOUT_FILENO, text, (size_t)size) < 0;
}

static int talk(int fd, const char *interface, const struct sockaddr_in6 *address, const char *text)
{
	if (*interface != '-' && setsockopt(fd, SOL_SOCKET, SO_BINDTODEVICE, interface, strlen(interface) + 1) < 0) {
		perror("SO_BINDTODEVICE");
		return 1;
	}
	if (connect(fd, (const struct sockaddr *)address, sizeof(*address)) < 0 || send(fd, text, strlen(text), 0) < 0) {
		perror("connect");
		return 1;
	}
	return 0;
}

/* An IPv4 address fits into the other kind of structure. */
static int read_address(const char *address, const char *port, struct sockaddr_in6 *out)
{
	struct sockaddr_in *v4 = (struct sockaddr_in *)out;

	out->sin6_port = htons((unsigned short)atoi(port));
	out->sin6_family = AF_INET6;
	if (inet_pton(AF_INET6, address, &out->sin6_addr) == 1)
		return 0;
	out->sin6_family = AF_INET;
	return inet_pton(AF_INET, address, &v4->sin_addr) == 1 ? 0 : -1;
}

int main(int argc, char **argv)
{
	struct sockaddr_in6 address = {0};
	int fd, is_tcp, result;

	if (argc != 6 || read_address(argv[3], argv[4], &address) < 0)
		return 2;
	is_tcp = strcmp(argv[1], "tcp") == 0;
	fd = socket(address.sin6_family, is_tcp ? SOCK_STREAM : SOCK_DGRAM, 0);
	(void)alarm(10);
	result = talk(fd, argv[2], &address, argv[5]);
	return result == 0 && is_tcp ? answer(fd) : result;
}
