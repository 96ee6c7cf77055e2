/*
 * PID 1: inside a sandbox it is the tool's own binary, running as the same host user. Whoever can read
 * its memory, descriptors or executable file is close to the host.
 */
#include "probe.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/pidfd.h>
#include <sys/ptrace.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <unistd.h>

static void open_row(struct probe *probe)
{
	answer_result(probe, open(probe->check->argument, O_RDONLY | O_CLOEXEC));
}

static void link_row(struct probe *probe)
{
	char target[4096];

	answer_result(probe, readlink(probe->check->argument, target, sizeof(target)));
}

/* Opening a magic link follows it; the binary would be writable once nobody executes it. */
static void executable_write(struct probe *probe)
{
	answer_result(probe, open("/proc/1/exe", O_WRONLY | O_CLOEXEC));
}

/* A dumpable process belongs to its user, any other to the root of the namespace it was executed in. */
static void owner(struct probe *probe)
{
	struct stat status;

	if (stat("/proc/1/status", &status) < 0)
		answer_errno(probe);
	else
		answer(probe, "%u", status.st_uid);
}

/* What everybody may read of a process: the tool's arguments hold host paths and -e NAME=SECRET. */
static void command_line(struct probe *probe)
{
	char text[4096];
	ssize_t length = read_text("/proc/1/cmdline", text, sizeof(text));

	if (length < 0)
		answer_errno(probe);
	else if (length == 0)
		answer(probe, "empty");
	else if (probe->planted->home &&
		memmem(text, (size_t)length, probe->planted->home, strlen(probe->planted->home)))
		answer(probe, "names a path of the host");
	else
		answer(probe, "names nothing of the host");
}

static void name(struct probe *probe)
{
	char text[64];

	if (read_text("/proc/1/comm", text, sizeof(text)) < 0)
		answer_errno(probe);
	else
		answer(probe, "%.*s", (int)strcspn(text, "\n"), text);
}

static void attach(struct probe *probe)
{
	answer_result(probe, ptrace(PTRACE_SEIZE, 1, NULL, NULL));
}

/* EFAULT would say that only the address was wrong. */
static void read_memory(struct probe *probe)
{
	char byte = 0;
	struct iovec local = {&byte, 1};
	struct iovec remote = {NULL, 1};

	answer_result(probe, process_vm_readv(1, &local, 1, &remote, 1, 0));
}

static void write_memory(struct probe *probe)
{
	char byte = 0;
	struct iovec local = {&byte, 1};
	struct iovec remote = {NULL, 1};

	answer_result(probe, process_vm_writev(1, &local, 1, &remote, 1, 0));
}

static void take_descriptor(struct probe *probe)
{
	int pidfd = (int)syscall(SYS_pidfd_open, 1, 0);

	answer_result(probe, pidfd < 0 ? -1 : syscall(SYS_pidfd_getfd, pidfd, 0, 0));
}

static void read_limit(struct probe *probe)
{
	struct rlimit old;

	answer_result(probe, prlimit(1, RLIMIT_NOFILE, NULL, &old));
}

static const struct check items[] = {
	{"pid1.name", name},
	{"pid1.command_line", command_line},
	{"pid1.owner", owner},
	{"pid1.exe_link", link_row, "/proc/1/exe"},
	{"pid1.exe_read", open_row, "/proc/1/exe"},
	{"pid1.exe_write", executable_write},
	{"pid1.root", open_row, "/proc/1/root"},
	{"pid1.cwd", open_row, "/proc/1/cwd"},
	{"pid1.environ", open_row, "/proc/1/environ"},
	{"pid1.memory", open_row, "/proc/1/mem"},
	{"pid1.maps", open_row, "/proc/1/maps"},
	{"pid1.descriptors", open_row, "/proc/1/fd"},
	{"pid1.namespace", open_row, "/proc/1/ns/user"},
	{"pid1.ptrace", attach},
	{"pid1.process_vm_readv", read_memory},
	{"pid1.process_vm_writev", write_memory},
	{"pid1.pidfd_getfd", take_descriptor},
	{"pid1.prlimit", read_limit},
};

const struct checks checks_pid1 = CHECKS(items);
