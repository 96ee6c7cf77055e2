/*
 * sandbox-holder keeps one user namespace, in which the caller's subordinate ids were mapped, so that the next runs
 * need not have them mapped again by newuidmap(1): each has a user namespace of its own inside of this one
 * (runtime/stage.c). For the very next one it has that ready, and a network namespace (holder/spare.h). It is started by
 * a run whose configuration asks for it (sandbox-config(5)), and ends when nobody has asked for a while.
 *
 * It holds descriptors and nothing else: it is in none of the namespaces, has no capability, no terminal, none of
 * its starter's environment or files, and no sandbox sees or reaches it. That it is dead, stopped or killed costs a
 * run the time for newuidmap. It is a program of its own, dynamically linked against libc alone, since that is the
 * least that a process can cost.
 */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>

#include "holder/spare.h"
#include "runtime/holder_protocol.h"

enum { CLIENT_SECONDS = 1 };

/* Milliseconds, those of a suspended machine included. */
static uint64_t now(void)
{
	struct timespec time;

	(void)clock_gettime(CLOCK_BOOTTIME, &time);
	return (uint64_t)time.tv_sec * 1000 + (uint64_t)time.tv_nsec / 1000000;
}

/* A process without a parent; this one ends when that is ready, which *out_ready is to be told. */
static bool leave_parent(int *out_ready)
{
	int ends[2];
	char byte;
	pid_t pid;

	if (pipe2(ends, O_CLOEXEC) < 0)
		return false;
	pid = fork();
	if (pid == 0) {
		*out_ready = ends[1];
		return true;
	}
	(void)close(ends[1]);
	_exit(pid > 0 && read(ends[0], &byte, 1) == 1 ? EXIT_SUCCESS : EXIT_FAILURE);
}

/* Without terminal, directory and descriptors; and then without a starter who waits. */
static bool leave_caller(int ready)
{
	int null = open("/dev/null", O_RDWR | O_CLOEXEC);

	/* To listen once more makes this process the one that clients are told of (SO_PEERCRED). */
	return listen(HOLDER_SOCKET, SOMAXCONN) == 0 && prctl(PR_SET_DUMPABLE, 0) == 0 && setsid() >= 0 &&
		chdir("/") == 0 && dup2(null, STDIN_FILENO) >= 0 && dup2(null, STDOUT_FILENO) >= 0 &&
		dup2(null, STDERR_FILENO) >= 0 && write(ready, "", 1) == 1 &&
		dup2(null, HOLDER_SPARE_USERNS) >= 0 && dup2(null, HOLDER_SPARE_NETWORK) >= 0 &&
		close_range(HOLDER_SPARE_NETWORK + 1, ~0U, 0) == 0;
}

/* Nobody else can come through the directory, unless it was opened to others. */
static bool is_own_user(int client)
{
	struct ucred peer;
	socklen_t size = sizeof(peer);

	return getsockopt(client, SOL_SOCKET, SO_PEERCRED, &peer, &size) == 0 && peer.uid == geteuid();
}

/* A client that says nothing, or does not listen, does not hold up the others for long. */
static bool receive_request(int client, struct holder_request *out)
{
	const struct timeval patience = {.tv_sec = CLIENT_SECONDS};

	return is_own_user(client) &&
		setsockopt(client, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof(patience)) == 0 &&
		setsockopt(client, SOL_SOCKET, SO_SNDTIMEO, &patience, sizeof(patience)) == 0 &&
		recv(client, out, sizeof(*out), 0) == sizeof(*out);
}

/* With what is ready for the next sandbox, or without. */
static void send_namespaces(int client, bool with_spare)
{
	const int fds[HOLDER_ANSWER_MAX] = {HOLDER_USERNS, HOLDER_SPARE_USERNS, HOLDER_SPARE_NETWORK};
	const size_t size = (with_spare ? HOLDER_ANSWER_MAX : 1) * sizeof(int);
	union {
		struct cmsghdr header;
		char bytes[CMSG_SPACE(sizeof(fds))];
	} control = {.header = {.cmsg_len = CMSG_LEN(size), .cmsg_level = SOL_SOCKET, .cmsg_type = SCM_RIGHTS}};
	struct iovec byte = {.iov_base = (char []){0}, .iov_len = 1};
	struct msghdr message = {.msg_iov = &byte, .msg_iovlen = 1, .msg_control = &control,
		.msg_controllen = CMSG_SPACE(size)};

	memcpy(CMSG_DATA(&control.header), fds, size);
	(void)sendmsg(client, &message, MSG_NOSIGNAL);
}

/* Who only looks whether there is a holder, and asks for nothing, does not keep it. */
static void answer(struct spare *spare, uint64_t *idle, uint64_t *deadline)
{
	/* cppcheck-suppress nullPointer */
	int client = accept4(HOLDER_SOCKET, NULL, NULL, SOCK_CLOEXEC);
	struct holder_request request;

	if (client < 0)
		return;
	if (receive_request(client, &request)) {
		*idle = request.idle;
		*deadline = now() + *idle;
		send_namespaces(client, spare->ready);
		/* Whether it arrived or not: no second one may have it. */
		if (spare->ready)
			spare_forget(spare);
	}
	(void)close(client);
	spare_begin(spare);
}

/* False when nobody came before the deadline. */
static bool wait_for_client(struct spare *spare, uint64_t deadline)
{
	uint64_t time;

	while ((time = now()) < deadline) {
		struct pollfd events[] = {{.fd = HOLDER_SOCKET, .events = POLLIN}, {.fd = spare->maker, .events = POLLIN}};
		uint64_t left = deadline - time;

		if (poll(events, 2, left < INT32_MAX ? (int)left : INT32_MAX) <= 0)
			continue;
		if (events[1].revents)
			spare_take(spare);
		if (events[0].revents)
			return true;
	}
	return false;
}

int main(int argc, char **argv)
{
	uint64_t idle = argc == 3 ? strtoull(argv[2], NULL, 10) : 0, deadline = now() + idle;
	struct spare spare = SPARE_INIT;
	int ready;

	if (argc != 3 || !leave_parent(&ready) || !leave_caller(ready))
		return EXIT_FAILURE;
	spare_begin(&spare);
	while (wait_for_client(&spare, deadline))
		answer(&spare, &idle, &deadline);
	/* Who has the lock is about to find that the socket is dead, and removes it. */
	if (flock(HOLDER_DIRECTORY, LOCK_EX | LOCK_NB) == 0)
		(void)unlinkat(HOLDER_DIRECTORY, argv[1], 0);
	return EXIT_SUCCESS;
}
