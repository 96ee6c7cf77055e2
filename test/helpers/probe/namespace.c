/* Namespaces: whether the payload has its own, and whether it can make or enter others. */
#include "probe.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/sched.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

/* The test gives "user:[4026531837] pid:[…]", the links of /proc/self/ns outside. */
static void ownership(struct probe *probe)
{
	const char *link = namespace_link(probe->check->argument);

	if (answer_unplanted(probe, probe->planted->namespaces != NULL))
		return;
	if (!link[0])
		answer(probe, "absent");
	else
		answer(probe, "%s", strstr(probe->planted->namespaces, link) ? "the host's" : "own");
}

static void make_by_unshare(struct probe *probe)
{
	answer_result(probe, unshare((int)(long)probe->check->argument));
}

static void make_by_clone(struct probe *probe)
{
	long pid = syscall(SYS_clone, CLONE_NEWUSER | SIGCHLD, NULL, NULL, NULL, NULL);

	if (pid == 0)
		_exit(0);
	answer_result(probe, pid);
}

static void make_by_clone3(struct probe *probe)
{
	struct clone_args arguments = {.flags = CLONE_NEWUSER, .exit_signal = SIGCHLD};
	long pid = syscall(SYS_clone3, &arguments, sizeof(arguments));

	if (pid == 0)
		_exit(0);
	answer_result(probe, pid);
}

/* Without any namespace: a filter cannot read its flags in memory, so all of it must be refused. */
static void plain_clone3(struct probe *probe)
{
	struct clone_args arguments = {.exit_signal = SIGCHLD};
	long pid = syscall(SYS_clone3, &arguments, sizeof(arguments));

	if (pid == 0)
		_exit(0);
	answer_result(probe, pid);
}

static bool write_map(const char *path, unsigned int id)
{
	char text[64];
	int length = snprintf(text, sizeof(text), "0 %u 1", id);
	int fd = open(path, O_WRONLY | O_CLOEXEC);
	bool written = fd >= 0 && write(fd, text, (size_t)length) == length;

	close(fd);
	return written;
}

/* The way of most kernel exploits: become root of a new namespace, and mount something there. */
static void nest_and_mount(struct probe *probe)
{
	unsigned int user = geteuid();

	if (unshare(CLONE_NEWUSER | CLONE_NEWNS) < 0 || !write_map("/proc/self/uid_map", user))
		answer_errno(probe);
	else
		answer_result(probe, mount("tmpfs", "/tmp", "tmpfs", 0, NULL));
}

/* The same with a new /proc, which a single masked entry of the outer one forbids. */
static void nest_and_mount_proc(struct probe *probe)
{
	unsigned int user = geteuid();
	int status = 0;
	pid_t pid = 0;

	if (unshare(CLONE_NEWUSER | CLONE_NEWNS | CLONE_NEWPID) < 0 ||
		!write_map("/proc/self/uid_map", user)) {
		answer_errno(probe);
		return;
	}
	pid = fork();
	if (pid == 0) {
		answer_result(probe, mount("proc", "/proc", "proc", 0, NULL));
		_exit(0);
	}
	waitpid(pid, &status, 0);
}

static void enter_own(struct probe *probe)
{
	int fd = open("/proc/self/ns/uts", O_RDONLY | O_CLOEXEC);

	answer_result(probe, fd < 0 ? -1 : setns(fd, CLONE_NEWUTS));
}

static void enter_by_pidfd(struct probe *probe)
{
	int pidfd = (int)syscall(SYS_pidfd_open, 1, 0);

	answer_result(probe, pidfd < 0 ? -1 : setns(pidfd, CLONE_NEWUTS));
}

static void nesting_limit(struct probe *probe)
{
	char text[32];

	if (read_text("/proc/sys/user/max_user_namespaces", text, sizeof(text)) < 0)
		answer_errno(probe);
	else
		answer(probe, "%s", strtol(text, NULL, 10) == 0 ? "0" : "some");
}

/* Boot time inside as outside: no offsets. */
static void time_offsets(struct probe *probe)
{
	char text[256];
	long seconds[2] = {0}, nanoseconds[2] = {0};

	if (read_text("/proc/self/timens_offsets", text, sizeof(text)) < 0)
		answer_errno(probe);
	else if (sscanf(text, "monotonic %ld %ld boottime %ld %ld", &seconds[0], &nanoseconds[0], &seconds[1],
			 &nanoseconds[1]) != 4)
		answer(probe, "unreadable");
	else
		answer(probe, "%ld %ld", seconds[0] + nanoseconds[0], seconds[1] + nanoseconds[1]);
}

static void limit_write(struct probe *probe)
{
	int fd = open("/proc/sys/user/max_user_namespaces", O_WRONLY | O_CLOEXEC);

	answer_result(probe, fd < 0 ? -1 : write(fd, "100", 3));
}

#define FLAG(value) ((const void *)(long)(value))

static const struct check items[] = {
	{"namespace.user", ownership, "user"},
	{"namespace.mount", ownership, "mnt"},
	{"namespace.pid", ownership, "pid"},
	{"namespace.ipc", ownership, "ipc"},
	{"namespace.uts", ownership, "uts"},
	{"namespace.network", ownership, "net"},
	{"namespace.cgroup", ownership, "cgroup"},
	{"nesting.limit", nesting_limit},
	{"nesting.limit_write", limit_write},
	{"nesting.unshare_user", make_by_unshare, FLAG(CLONE_NEWUSER)},
	{"nesting.clone_user", make_by_clone},
	{"nesting.clone3_user", make_by_clone3},
	{"nesting.clone3_plain", plain_clone3},
	{"nesting.user_and_mount", nest_and_mount},
	{"nesting.user_and_proc", nest_and_mount_proc},
	{"nesting.unshare_mount", make_by_unshare, FLAG(CLONE_NEWNS)},
	{"nesting.unshare_pid", make_by_unshare, FLAG(CLONE_NEWPID)},
	{"nesting.unshare_ipc", make_by_unshare, FLAG(CLONE_NEWIPC)},
	{"nesting.unshare_uts", make_by_unshare, FLAG(CLONE_NEWUTS)},
	{"nesting.unshare_network", make_by_unshare, FLAG(CLONE_NEWNET)},
	{"nesting.unshare_cgroup", make_by_unshare, FLAG(CLONE_NEWCGROUP)},
	{"nesting.unshare_time", make_by_unshare, FLAG(CLONE_NEWTIME)},
	{"nesting.setns_own", enter_own},
	{"nesting.setns_pid1", enter_by_pidfd},
	{"namespace.time_offsets", time_offsets},
};

const struct checks checks_namespace = CHECKS(items);
