#include "network/uplink.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <string.h>
#include <sys/capability.h>
#include <sys/mount.h>
#include <sys/pidfd.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/file.h"
#include "base/reap.h"
#include "base/scope.h"
#include "base/spawn.h"
#include "base/strings.h"
#include "base/test_switch.h"
#include "base/text.h"
#include "kernel/syscalls.h"
#include "network/tap_guard.h"
#include "userns/userns.h"

/*
 * Where the keeper mounts file systems that only it and pasta see. The AppArmor profile that distributions have for pasta
 * lets it read a network namespace in the one place, where Podman has them, and write its pid file in the other.
 */
#define NETNS_MOUNT  "/run/user"
#define NETNS_FOLDER NETNS_MOUNT "/0/netns"
#define READY_MOUNT  "/tmp"
#define READY_PATH   READY_MOUNT "/ready"

enum { OUTPUT_MAX = 1024 };

/* The keeper's words: that it is there, that pasta is ready, that it is over. */
enum uplink_step {
	UPLINK_STARTED,
	UPLINK_READY,
	UPLINK_ENDED,
};

struct uplink_message {
	enum uplink_step step;
	struct sandbox_error error;
};

struct keeper {
	const struct sandbox_strings *arguments;
	const struct idmap *idmap;
	int channel;
	int userns;
	int netns;
	const char *netns_path;
	int ready; /* the FIFO */
	struct spawn pasta;
	int pidfd; /* pasta's */
	char output[OUTPUT_MAX]; /* the last of what it has said */
	size_t output_size;
};

static int send_message(int channel, enum uplink_step step, const struct sandbox_error *failure)
{
	struct uplink_message message = {.step = step};

	if (failure)
		message.error = *failure;
	return send(channel, &message, sizeof(message), MSG_NOSIGNAL) < 0 ? -errno : 0;
}

/* ---- what pasta says and how it ends ---- */

static void keeper_read_output(struct keeper *self, struct pollfd *event)
{
	size_t room = OUTPUT_MAX - 1 - self->output_size;
	ssize_t size;

	/* The last words matter. */
	if (room < OUTPUT_MAX / 2) {
		memmove(self->output, self->output + OUTPUT_MAX / 2, self->output_size - OUTPUT_MAX / 2);
		self->output_size -= OUTPUT_MAX / 2;
		room += OUTPUT_MAX / 2;
	}
	size = read(self->pasta.output, self->output + self->output_size, room);
	if (size > 0)
		self->output_size += (size_t)size;
	else if (size == 0 || errno != EINTR)
		event->fd = -1;
	self->output[self->output_size] = '\0';
}

/* The last line that says something; that there is no system log where we run does not. */
static const char *keeper_last_words(struct keeper *self)
{
	const char *words = "it said nothing";
	char *rest = self->output, *line;

	while ((line = strsep(&rest, "\n")))
		if (*line && !text_starts_with(line, "Failed to send "))
			words = line;
	return words;
}

static int keeper_explain_end(struct keeper *self, struct sandbox_error *error)
{
	int status = 0;

	(void)reap_child(self->pasta.pid, &status);
	self->pasta.pid = 0;
	if (WIFSIGNALED(status))
		error_set(error, 0, "pasta was ended by signal %d", WTERMSIG(status));
	else
		error_set(error, 0, "pasta exited with status %d", WEXITSTATUS(status));
	error_cause(error, SANDBOX_E_PASTA_FAILED, "%s", keeper_last_words(self));
	return error_fix(error, "see what pasta(1) needs: an interface with a default route (`ip route`), free ports; "
		"or leave --net out");
}

/* ---- the keeper's life ---- */

/* Nothing of the caller's: neither its channel to init, whose end must be the supervisor's alone, nor its output. */
static int close_others(const struct keeper *self, struct sandbox_error *error)
{
	int kept[] = {self->channel, self->userns, self->netns};
	int null = open("/dev/null", O_RDWR | O_CLOEXEC);

	if (null < 0 || dup2(null, STDIN_FILENO) < 0 || dup2(null, STDOUT_FILENO) < 0 || dup2(null, STDERR_FILENO) < 0)
		return error_set(error, errno, "open /dev/null");
	for (unsigned int first = STDERR_FILENO + 1, next; first; first = next + 1) {
		next = ~0U;
		for (size_t i = 0; i < array_count(kept); i++)
			if ((unsigned int)kept[i] >= first && (unsigned int)kept[i] < next)
				next = (unsigned int)kept[i];
		if (next > first && close_range(first, next == ~0U ? next : next - 1, 0) < 0)
			return error_set(error, errno, "close inherited descriptors");
	}
	return 0;
}

static int mount_private(const char *path, struct sandbox_error *error)
{
	return mount("sandbox", path, "tmpfs", MS_NOSUID | MS_NODEV | MS_NOEXEC, "mode=0700,size=64k,nr_inodes=8") < 0
		? error_set(error, errno, "mount a tmpfs on %s for pasta", path) : 0;
}

/* Without logind there may be no such place, but no profile either. */
static int make_netns_folder(struct keeper *self, struct sandbox_error *error)
{
	int result;

	self->netns_path = READY_MOUNT "/netns";
	if (access(NETNS_MOUNT, F_OK) < 0)
		return 0;
	self->netns_path = NETNS_FOLDER "/sandbox";
	result = mount_private(NETNS_MOUNT, error);
	return result < 0 ? result : file_make_directories(NETNS_FOLDER, 0700, error);
}

/* The namespace gets a path, and the FIFO a place, in a mount namespace that ends with us. */
static int make_private_files(struct keeper *self, struct sandbox_error *error)
{
	auto_close int file = -1, copy = -1;
	int result;

	if (chdir("/") < 0 || unshare(CLONE_NEWNS) < 0)
		return error_set(error, errno, "make a mount namespace for pasta");
	result = mount_private(READY_MOUNT, error);
	if (result == 0)
		result = make_netns_folder(self, error);
	if (result < 0)
		return result;
	file = open(self->netns_path, O_RDONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
	if (file < 0 || mkfifo(READY_PATH, 0600) < 0)
		return error_set(error, errno, "make pasta's files");
	copy = open_tree(self->netns, "", OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC | AT_EMPTY_PATH);
	if (copy < 0 || move_mount(copy, "", AT_FDCWD, self->netns_path, MOVE_MOUNT_F_EMPTY_PATH) < 0)
		return error_set(error, errno, "show the network namespace to pasta");
	/* For reading and writing: with no writer but pasta it would be at its end before pasta has opened it. */
	self->ready = open(READY_PATH, O_RDWR | O_NONBLOCK | O_CLOEXEC);
	return self->ready < 0 ? error_set(error, errno, "open pasta's pid file") : 0;
}

static int keeper_prepare(struct keeper *self, struct sandbox_error *error)
{
	int result = userns_become_root(self->idmap, error);

	if (result < 0)
		return result;
	/* Apart from the caller's terminal and process group: its ^C is not for pasta. */
	if (setsid() < 0)
		return error_set(error, errno, "leave the caller's session");
	/* The change of ids has cleared it; that the supervisor may be gone by now, the channel will tell. */
	if (prctl(PR_SET_PDEATHSIG, SIGKILL) < 0 || prctl(PR_SET_DUMPABLE, 0) < 0 || prctl(PR_SET_NAME, "sandbox-net") < 0)
		return error_set(error, errno, "protect the keeper of pasta");
	result = close_others(self, error);
	return result < 0 ? result : make_private_files(self, error);
}

static int keeper_start_pasta(struct keeper *self, struct sandbox_error *error)
{
	static const char *const ours[] = {"--foreground", "--pid", READY_PATH, "--netns"};
	auto_finish(sandbox_strings_finish) struct sandbox_strings arguments = {0};
	int result;

	strings_add_all(&arguments, self->arguments);
	for (size_t i = 0; i < array_count(ours); i++)
		sandbox_strings_add(&arguments, ours[i]);
	sandbox_strings_add(&arguments, self->netns_path);
	result = spawn_start(&self->pasta, arguments.items, error);
	if (result < 0)
		return result;
	test_point("uplink.spawned");
	self->pidfd = pidfd_open(self->pasta.pid, 0);
	return self->pidfd < 0 ? error_set(error, errno, "watch pasta") : 0;
}

/* From now on the keeper only waits, and needs no power over anything. */
static int keeper_report_ready(const struct keeper *self, struct sandbox_error *error)
{
	cap_t none = cap_init();
	int result = test_defence_removed("tap-guard") ? 0 : tap_guard_attach(self->pidfd, error);

	if (result == 0 && (!none || cap_set_proc(none) < 0))
		result = error_set(error, errno, "drop the capabilities of the keeper of pasta");
	(void)cap_free(none);
	test_point("uplink.ready");
	return result < 0 ? result : send_message(self->channel, UPLINK_READY, NULL);
}

/* Ends with an error, or when the supervisor is gone. */
static int keeper_watch(struct keeper *self, struct sandbox_error *error)
{
	struct pollfd channel = {.fd = self->channel, .events = POLLIN}, ended = {.fd = self->pidfd, .events = POLLIN};
	struct pollfd events[] = {channel, ended, {.fd = self->ready, .events = POLLIN},
		{.fd = self->pasta.output, .events = POLLIN}};

	for (;;) {
		if (poll(events, array_count(events), -1) < 0) {
			if (errno == EINTR)
				continue;
			return error_set(error, errno, "wait for pasta");
		}
		if (events[0].revents)
			return 0;
		if (events[3].revents)
			keeper_read_output(self, &events[3]);
		else if (events[1].revents)
			return keeper_explain_end(self, error);
		if (!events[2].revents)
			continue;
		events[2].fd = -1;
		if (keeper_report_ready(self, error) < 0)
			return -ECHILD;
	}
}

static _Noreturn void keeper_main(struct keeper *self)
{
	struct sandbox_error error = {0};
	int result = send_message(self->channel, UPLINK_STARTED, NULL);

	if (result == 0)
		result = keeper_prepare(self, &error);
	test_point("uplink.keeper");
	if (result == 0)
		result = keeper_start_pasta(self, &error);
	if (result == 0)
		result = keeper_watch(self, &error);
	if (result < 0)
		(void)send_message(self->channel, UPLINK_ENDED, &error);
	/* The kernel ends the others of the pid namespace. */
	_exit(0);
}

/*
 * Enters the user namespace, makes a pid namespace and a process in it: only a child can be its PID 1. It becomes the
 * supervisor's child.
 */
static _Noreturn void stage_main(struct keeper *keeper, pid_t supervisor)
{
	struct sandbox_error error = {0};
	pid_t pid = -1;

	if (prctl(PR_SET_PDEATHSIG, SIGKILL) < 0 || getppid() != supervisor)
		_exit(125);
	if (setns(keeper->userns, CLONE_NEWUSER) < 0)
		error_set(&error, errno, "enter the sandbox's user namespace");
	else if (unshare(CLONE_NEWPID) < 0)
		error_set(&error, errno, "make a pid namespace for pasta");
	else if ((pid = kernel_clone(CLONE_PARENT, NULL, -1)) < 0)
		error_set(&error, errno, "start the keeper of pasta");
	if (pid == 0)
		keeper_main(keeper);
	test_point("uplink.stage");
	if (pid < 0)
		(void)send_message(keeper->channel, UPLINK_ENDED, &error);
	_exit(0);
}

/* ---- the supervisor's side ---- */

/* The kernel says who has sent it, by the number that he has here: inside, the keeper is 1 to itself. */
static pid_t sender(struct msghdr *header)
{
	struct cmsghdr *control = CMSG_FIRSTHDR(header);
	struct ucred credentials;

	if (!control || control->cmsg_level != SOL_SOCKET || control->cmsg_type != SCM_CREDENTIALS)
		return 0;
	memcpy(&credentials, CMSG_DATA(control), sizeof(credentials));
	return credentials.pid;
}

static int expect_message(const struct uplink *uplink, enum uplink_step step, pid_t *out_sender,
	struct sandbox_error *error)
{
	union {
		struct cmsghdr align;
		char bytes[CMSG_SPACE(sizeof(struct ucred))];
	} control;
	struct uplink_message message = {.step = UPLINK_ENDED};
	struct iovec payload = {.iov_base = &message, .iov_len = sizeof(message)};
	struct msghdr header = {.msg_iov = &payload, .msg_iovlen = 1, .msg_control = control.bytes,
		.msg_controllen = sizeof(control.bytes)};
	ssize_t size;

	do
		size = recvmsg(uplink->channel, &header, MSG_CMSG_CLOEXEC);
	while (size < 0 && errno == EINTR);
	if (size != sizeof(message)) {
		error_set(error, 0, "the keeper of pasta has ended");
		error_child_died(error, "it was killed, or it crashed");
		return -ECHILD;
	}
	if (message.step == step) {
		*out_sender = sender(&header);
		return 0;
	}
	error_sanitize(&message.error);
	if (error)
		*error = message.error;
	return -ECHILD;
}

int uplink_start(const struct sandbox_strings *arguments, const struct idmap *idmap, int userns, int netns,
	struct uplink *out, struct sandbox_error *error)
{
	struct keeper keeper = {.arguments = arguments, .idmap = idmap, .userns = userns, .netns = netns, .ready = -1,
		.pasta = SPAWN_INIT, .pidfd = -1};
	pid_t supervisor = getpid(), stage;
	int ends[2], yes = 1, result;

	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends) < 0)
		return error_set(error, errno, "make the channel to the keeper of pasta");
	out->channel = ends[0];
	keeper.channel = ends[1];
	(void)setsockopt(out->channel, SOL_SOCKET, SO_PASSCRED, &yes, sizeof(yes));
	stage = kernel_clone(0, NULL, -1);
	if (stage == 0)
		stage_main(&keeper, supervisor);
	(void)close(ends[1]);
	if (stage < 0)
		return error_set(error, errno, "start the keeper of pasta");
	result = expect_message(out, UPLINK_STARTED, &out->keeper, error);
	(void)reap_child(stage, NULL);
	return result < 0 ? error_wrap(error, "connect the sandbox to the network") : 0;
}

int uplink_expect_ready(struct uplink *uplink, struct sandbox_error *error)
{
	pid_t keeper;

	return expect_message(uplink, UPLINK_READY, &keeper, error) < 0
		? error_wrap(error, "connect the sandbox to the network") : 0;
}

void uplink_hear_end(struct uplink *uplink, struct sandbox_error *out)
{
	pid_t keeper;

	(void)expect_message(uplink, UPLINK_READY, &keeper, out);
	(void)close(take_fd(&uplink->channel));
}

void uplink_finish(struct uplink *uplink)
{
	fd_close(&uplink->channel);
	end_child(&uplink->keeper);
}
