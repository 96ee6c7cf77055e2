#include "runtime/holder.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/pidfd.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/digest.h"
#include "base/directory.h"
#include "base/fd.h"
#include "base/file.h"
#include "base/log.h"
#include "base/memory.h"
#include "base/program.h"
#include "base/reap.h"
#include "base/scope.h"
#include "base/spawn.h"
#include "base/test_switch.h"
#include "kernel/syscalls.h"
#include "runtime/holder_protocol.h"
#include "userns/userns.h"

static const char holders_name[] = "holders";
static const char holder_title[] = "sandbox-holder\n"; /* proc_pid_comm(5) */
static const char *const program_paths[] = {"sandbox-holder", "../libexec/sandbox/sandbox-holder", NULL};

/* A holder that is stopped must not cost more than newuidmap does on a busy machine. */
enum { PATIENCE_MICROSECONDS = 100 * 1000, HOLDER_NAME_SIZE = IDMAP_KEY_SIZE, TITLE_MAX = 64 };

/*
 * A user namespace remembers the limits of its maker, and bounds by them what is made inside: each set of limits has
 * a holder of its own.
 */
static void holder_name(const struct idmap *map, char out[HOLDER_NAME_SIZE])
{
	static const int remembered[] = {RLIMIT_NPROC, RLIMIT_MEMLOCK, RLIMIT_MSGQUEUE, RLIMIT_SIGPENDING};
	auto_free char *text = NULL;
	char key[IDMAP_KEY_SIZE];
	struct digest digest;

	idmap_key(map, key);
	text = memory_text(key);
	for (size_t i = 0; i < array_count(remembered); i++) {
		struct rlimit limit = {0};

		(void)getrlimit((__rlimit_resource_t)remembered[i], &limit);
		memory_append(&text, " %llu", (unsigned long long)limit.rlim_cur);
	}
	digest_of(text, strlen(text), &digest);
	memcpy(out, digest.hex, HOLDER_NAME_SIZE - 1);
	out[HOLDER_NAME_SIZE - 1] = '\0';
}

/* RUNTIME/holders. Nobody else may be able to put a socket there. */
static int open_holders(const char *runtime, bool make, struct sandbox_error *error)
{
	int result = make ? file_make_directories(runtime, 0700, error) : 0;
	auto_close int parent = result < 0 ? result : file_open_own_directory(AT_FDCWD, runtime, "--runroot", error);

	if (parent < 0)
		return parent;
	if (make && mkdirat(parent, holders_name, 0700) < 0 && errno != EEXIST)
		return error_set(error, errno, "make %s/%s", runtime, holders_name);
	return file_open_own_directory(parent, holders_name, "--runroot", error);
}

/* By descriptor: a path of more than 107 bytes does not fit in. */
static void socket_address(int directory, const char *name, struct sockaddr_un *out)
{
	*out = (struct sockaddr_un){.sun_family = AF_UNIX};
	(void)snprintf(out->sun_path, sizeof(out->sun_path), "/proc/self/fd/%d/%s", directory, name);
}

/* ---- asking one ---- */

/* A connected socket, and whose it is; -ECONNREFUSED and -ENOENT where no holder lives. */
static int holder_connect(int directory, const char *name, struct ucred *out_peer)
{
	const struct timeval patience = {.tv_usec = PATIENCE_MICROSECONDS};
	auto_close int fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0);
	socklen_t size = sizeof(*out_peer);
	struct sockaddr_un address;

	socket_address(directory, name, &address);
	if (fd < 0 || setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof(patience)) < 0 ||
	    setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &patience, sizeof(patience)) < 0 ||
	    connect(fd, (const struct sockaddr *)&address, sizeof(address)) < 0 ||
	    getsockopt(fd, SOL_SOCKET, SO_PEERCRED, out_peer, &size) < 0)
		return -errno;
	return out_peer->uid == geteuid() ? take_fd(&fd) : -EPERM;
}

void held_close(struct held *held)
{
	fd_close(&held->userns);
	fd_close(&held->inside);
	fd_close(&held->network);
}

static int receive_held(int holder, struct held *out)
{
	union {
		struct cmsghdr header;
		char bytes[CMSG_SPACE(HOLDER_ANSWER_MAX * sizeof(int))];
	} control;
	char byte;
	struct iovec data = {.iov_base = &byte, .iov_len = 1};
	struct msghdr message = {.msg_iov = &data, .msg_iovlen = 1, .msg_control = &control,
		.msg_controllen = sizeof(control)};
	ssize_t size = recvmsg(holder, &message, MSG_CMSG_CLOEXEC);
	const struct cmsghdr *first = CMSG_FIRSTHDR(&message);
	size_t count;
	/* The kernel hands over as many as the room for them, which is aligned, can take. */
	int fds[sizeof(control) / sizeof(int)];

	if (size < 0)
		return -errno;
	if (size == 0 || !first || first->cmsg_level != SOL_SOCKET || first->cmsg_type != SCM_RIGHTS ||
	    first->cmsg_len < CMSG_LEN(sizeof(int)))
		return -EPROTO;
	count = (first->cmsg_len - CMSG_LEN(0)) / sizeof(int);
	memcpy(fds, CMSG_DATA(first), count * sizeof(int));
	if ((message.msg_flags & MSG_CTRUNC) == 0 && (count == 1 || count == HOLDER_ANSWER_MAX)) {
		*out = (struct held){fds[0], count > 1 ? fds[1] : -1, count > 1 ? fds[2] : -1};
		return 0;
	}
	for (size_t i = 0; i < count; i++)
		(void)close(fds[i]);
	return -EPROTO;
}

static int send_request(int directory, const char *name, uint64_t idle)
{
	const struct holder_request request = {.idle = idle};
	struct ucred peer;
	auto_close int holder = holder_connect(directory, name, &peer);

	if (holder < 0)
		return holder;
	return send(holder, &request, sizeof(request), MSG_NOSIGNAL) < 0 ? -errno : take_fd(&holder);
}

static int holder_ask(int directory, const char *name, uint64_t idle, struct held *out)
{
	auto_close int holder = send_request(directory, name, idle);

	return holder < 0 ? holder : receive_held(holder, out);
}

int holder_call(const char *runtime, const struct idmap *map, uint64_t idle)
{
	auto_close int directory = open_holders(runtime, false, NULL);
	char name[HOLDER_NAME_SIZE];

	if (directory < 0)
		return -1;
	holder_name(map, name);
	return send_request(directory, name, idle);
}

/* ---- starting one ---- */

/* The first process of a user namespace, who is there until its maps are written. */
static _Noreturn void wait_for_end(pid_t parent)
{
	if (prctl(PR_SET_PDEATHSIG, SIGKILL) < 0 || getppid() != parent)
		_exit(1);
	for (;;)
		(void)pause();
}

static int make_userns(const struct idmap *map, struct sandbox_error *error)
{
	pid_t parent = getpid(), child = kernel_clone(CLONE_NEWUSER, NULL, -1);
	auto_free char *path = memory_format("/proc/%d/ns/user", (int)child);
	int userns = -1, result;

	if (child == 0)
		wait_for_end(parent);
	if (child < 0)
		return userns_explain_clone(errno, error);
	test_point("holder.cloned");
	result = userns_write_maps(child, map, error);
	if (result == 0)
		userns = open(path, O_RDONLY | O_CLOEXEC);
	if (result == 0 && userns < 0)
		result = error_set(error, errno, "open %s", path);
	end_child(&child);
	return result < 0 ? result : userns;
}

/* From here on who asks waits in line until the holder runs. */
static int make_socket(int directory, const char *name, struct sandbox_error *error)
{
	auto_close int fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0);
	struct sockaddr_un address;

	socket_address(directory, name, &address);
	(void)unlinkat(directory, name, 0);
	if (fd < 0 || bind(fd, (const struct sockaddr *)&address, sizeof(address)) < 0 || listen(fd, SOMAXCONN) < 0)
		return error_set(error, errno, "make the socket of a holder");
	return take_fd(&fd);
}

static int run_holder(int directory, const char *name, int userns, uint64_t idle, struct sandbox_error *error)
{
	auto_free char *program = program_find_file(program_paths);
	auto_free char *patience = memory_format("%llu", (unsigned long long)idle);
	char *arguments[] = {program, (char *)name, patience, NULL};
	/* Opened once more: the lock that we have must not become the holder's, too. */
	auto_close int listener = -1, own = openat(directory, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	if (!program)
		return error_set(error, ENOENT, "find sandbox-holder");
	if (own < 0)
		return error_set(error, errno, "open the directory of holders");
	listener = make_socket(directory, name, error);
	test_point("holder.bound");
	return listener < 0 ? listener : spawn_detached(arguments, (int []){userns, listener, own}, 3, error);
}

/* Whoever starts one at the same time has the lock: then this run does without. */
static int holder_start(int directory, const char *name, const struct idmap *map, uint64_t idle, struct held *out,
	struct sandbox_error *error)
{
	auto_close int userns = -1;
	int result;

	if (flock(directory, LOCK_EX | LOCK_NB) < 0)
		return error_set(error, errno, "lock the directory of holders");
	result = holder_ask(directory, name, idle, out);
	if (result == 0)
		return 0;
	/* One that lives and does not answer in time is nobody's to replace. */
	if (result != -ECONNREFUSED && result != -ENOENT)
		return error_set(error, -result, "ask the holder");
	userns = make_userns(map, error);
	if (userns < 0)
		return userns;
	result = run_holder(directory, name, userns, idle, error);
	test_point("holder.started");
	if (result < 0)
		(void)unlinkat(directory, name, 0);
	else
		out->userns = take_fd(&userns);
	return result;
}

/* There may be none yet. */
static int open_first(const char *runtime, const struct idmap *map, uint64_t idle, struct held *out,
	struct sandbox_error *error)
{
	auto_close int directory = open_holders(runtime, true, error);
	char name[HOLDER_NAME_SIZE];
	int result;

	if (directory < 0)
		return directory;
	holder_name(map, name);
	result = holder_ask(directory, name, idle, out);
	if (result == -ECONNREFUSED || result == -ENOENT) {
		log_debug("start a holder of the id map");
		return holder_start(directory, name, map, idle, out, error);
	}
	return result < 0 ? error_set(error, -result, "ask the holder of the id map") : 0;
}

int holder_open(const char *runtime, const struct idmap *map, uint64_t idle, int call, struct held *out,
	struct sandbox_error *error)
{
	int result = call >= 0 ? receive_held(call, out) : -ENOENT;

	if (result == 0)
		return 0;
	*out = (struct held)HELD_INIT;
	/* One that does not answer in time is not asked again; one that was killed meanwhile is replaced. */
	if (result == -EAGAIN)
		return error_set(error, EAGAIN, "ask the holder of the id map");
	return open_first(runtime, map, idle, out, error);
}

/* ---- all of them ---- */

/* Calls it for each holder, or what is left of one. The directory is locked. */
static void each_holder(const char *runtime, void (*function)(int directory, const char *name))
{
	auto_close int directory = open_holders(runtime, false, NULL);
	auto_closedir DIR *stream = NULL;
	const char *name;

	if (directory < 0 || flock(directory, LOCK_EX | LOCK_NB) < 0)
		return;
	stream = directory_read(take_fd(&directory));
	while (stream && (name = directory_next(stream)))
		if (*name != '.')
			function(dirfd(stream), name);
}

/*
 * Whether that process, of which a connection told, is the holder. While the connection stands its process lives, and
 * the number was no other's; but of a holder that does not listen itself yet it tells who has started it, and he may
 * have been killed since.
 */
static bool is_holder(int connection, pid_t pid)
{
	auto_free char *path = memory_format("/proc/%d/comm", (int)pid), *title = NULL;
	struct pollfd event = {.fd = connection, .events = 0};

	if (test_defence_removed("holder-number"))
		return true;
	/* Where /proc hides who cannot be looked into, it hides the holder, and no other of ours. */
	if (file_read(AT_FDCWD, path, TITLE_MAX, &title, NULL, NULL) == 0 && strcmp(title, holder_title) != 0)
		return false;
	return poll(&event, 1, 0) == 0;
}

static void end_holder(int directory, const char *name)
{
	struct ucred peer;
	auto_close int holder = holder_connect(directory, name, &peer), process = -1;

	test_point("holder.found");
	process = holder < 0 ? -1 : pidfd_open(peer.pid, 0);
	if (process >= 0 && is_holder(holder, peer.pid))
		(void)pidfd_send_signal(process, SIGKILL, NULL, 0);
	(void)unlinkat(directory, name, 0);
}

void holders_end(const char *runtime)
{
	each_holder(runtime, end_holder);
}

/*
 * Connecting with another type of socket says EPROTOTYPE where somebody listens, who is not woken up by it, and where
 * nobody does ECONNREFUSED.
 */
static void remove_dead(int directory, const char *name)
{
	auto_close int probe = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	struct sockaddr_un address;

	socket_address(directory, name, &address);
	if (probe >= 0 && connect(probe, (const struct sockaddr *)&address, sizeof(address)) < 0 && errno == ECONNREFUSED)
		(void)unlinkat(directory, name, 0);
}

void holders_sweep(const char *runtime)
{
	each_holder(runtime, remove_dead);
}
