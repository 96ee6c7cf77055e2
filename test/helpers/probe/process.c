/* The payload as a process: its place in the tree, signals, limits, and the rest that it inherits. */
#include "probe.h"

#include <ctype.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/personality.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

static void process_id(struct probe *probe)
{
	answer(probe, "%d", getpid());
}

static void parent_id(struct probe *probe)
{
	answer(probe, "%d", getppid());
}

static void session(struct probe *probe)
{
	answer(probe, "%s", getsid(0) == getpid() ? "own" : getsid(0) == 0 ? "from outside"
									   : "inherited");
}

static void process_count(struct probe *probe)
{
	DIR *directory = opendir("/proc");
	struct dirent *entry = NULL;
	int count = 0;

	if (!directory) {
		answer_errno(probe);
		return;
	}
	while ((entry = readdir(directory)))
		count += isdigit((unsigned char)entry->d_name[0]) != 0;
	closedir(directory);
	answer(probe, "%d", count);
}

static void host_process(struct probe *probe)
{
	if (!answer_unplanted(probe, probe->planted->pid >= 0))
		answer_result(probe, kill((pid_t)probe->planted->pid, 0));
}

/* /proc of a host process of the same user, wherever a /proc of the host could be mounted. */
static void host_process_environment(struct probe *probe)
{
	char path[64];

	snprintf(path, sizeof(path), "/proc/%ld/environ", probe->planted->pid);
	if (!answer_unplanted(probe, probe->planted->pid >= 0))
		answer_result(probe, open(path, O_RDONLY | O_CLOEXEC));
}

static void status_row(struct probe *probe)
{
	const char *value = status_field(probe->check->argument);

	answer(probe, "%s", value ? value : "absent");
}

static void mode_mask(struct probe *probe)
{
	answer(probe, "%04o", umask(0));
}

static void parent_death_signal(struct probe *probe)
{
	int number = -1;

	(void)prctl(PR_GET_PDEATHSIG, &number);
	answer(probe, "%s", number == 0 ? "none" : number < 0 ? "unknown"
							      : sigabbrev_np(number));
}

static void dumpable(struct probe *probe)
{
	answer(probe, "%d", prctl(PR_GET_DUMPABLE));
}

static void personality_now(struct probe *probe)
{
	answer(probe, "%08x", personality(0xffffffff));
}

static void priority(struct probe *probe)
{
	answer(probe, "%d", getpriority(PRIO_PROCESS, 0));
}

static void write_limit(struct probe *probe, rlim_t value)
{
	if (value == RLIM_INFINITY)
		answer_more(probe, "unlimited");
	else
		answer_more(probe, "%llu", (unsigned long long)value);
}

static void limit(struct probe *probe)
{
	struct rlimit value;

	if (getrlimit((__rlimit_resource_t)(long)probe->check->argument, &value) < 0) {
		answer_errno(probe);
		return;
	}
	write_limit(probe, value.rlim_cur);
	answer_more(probe, ":");
	write_limit(probe, value.rlim_max);
}

static void limit_raise(struct probe *probe)
{
	struct rlimit value = {0};

	(void)getrlimit(RLIMIT_NOFILE, &value);
	value.rlim_max++;
	answer_result(probe, setrlimit(RLIMIT_NOFILE, &value));
}

/* Not the number: what the parent had may depend on the machine. */
static void oom_score(struct probe *probe)
{
	char text[32];
	long outside = 0, inside = 0;

	if (answer_unplanted(probe, probe->planted->oom != NULL))
		return;
	if (read_text("/proc/self/oom_score_adj", text, sizeof(text)) < 0) {
		answer_errno(probe);
		return;
	}
	outside = strtol(probe->planted->oom, NULL, 10);
	inside = strtol(text, NULL, 10);
	answer(probe, "%s", inside == outside ? "as outside" : inside > outside ? "raised"
										: "lowered");
}

static void oom_score_lower(struct probe *probe)
{
	int fd = open("/proc/self/oom_score_adj", O_WRONLY | O_CLOEXEC);

	answer_result(probe, fd < 0 ? -1 : write(fd, "-1000", 5));
}

static void working_folder(struct probe *probe)
{
	char path[4096] = "";

	/* The system call answers "(unreachable)/…" where glibc says ENOENT. */
	if (syscall(SYS_getcwd, path, sizeof(path)) < 0)
		answer_errno(probe);
	else
		answer(probe, "%s", path[0] == '/' ? path : "outside");
}

/* Every standard descriptor, as what it is. */
static void standard_descriptor(struct probe *probe)
{
	long fd = (long)probe->check->argument;
	struct stat status;
	char terminal[64];

	if (fstat((int)fd, &status) < 0) {
		answer_errno(probe);
		return;
	}
	snprintf(terminal, sizeof(terminal), "%lu:%lu", (unsigned long)status.st_dev,
		(unsigned long)status.st_rdev);
	if (!isatty((int)fd))
		answer(probe,
			S_ISCHR(status.st_mode)            ? "device"
				: S_ISFIFO(status.st_mode) ? "pipe"
				: S_ISREG(status.st_mode)  ? "file"
							   : "other");
	else if (probe->planted->terminal && strcmp(terminal, probe->planted->terminal) == 0)
		answer(probe, "host's terminal");
	else
		answer(probe, "own terminal");
}

static void descriptors_above_2(struct probe *probe)
{
	int count = 0;

	for (int fd = 3; fd < 65536; fd++)
		count += fcntl(fd, F_GETFD) >= 0;
	answer(probe, "%d", count);
}

static void planted_descriptor(struct probe *probe)
{
	char byte = 0;

	if (!answer_unplanted(probe, probe->planted->descriptor >= 0))
		answer_result(probe, pread((int)probe->planted->descriptor, &byte, 1, 0));
}

/* A folder's descriptor would be a way out of any root. */
static void planted_folder_descriptor(struct probe *probe)
{
	if (!answer_unplanted(probe, probe->planted->folder_descriptor >= 0))
		answer_result(probe, openat((int)probe->planted->folder_descriptor, "..", O_RDONLY));
}

static void core_filter(struct probe *probe)
{
	char text[32] = "";

	if (read_text("/proc/self/coredump_filter", text, sizeof(text)) < 0)
		answer_errno(probe);
	else
		answer(probe, "%.*s", (int)strcspn(text, "\n"), text);
}

#define NUMBER(value) ((const void *)(long)(value))

static const struct check items[] = {
	{"process.pid", process_id, .in_place = true},
	{"process.parent", parent_id, .in_place = true},
	{"process.session", session, .in_place = true},
	{"process.count", process_count, .in_place = true},
	{"process.host_pid", host_process},
	{"process.host_environment", host_process_environment},
	{"process.signals_blocked", status_row, "SigBlk", .in_place = true},
	{"process.signals_ignored", status_row, "SigIgn", .in_place = true},
	{"process.umask", mode_mask},
	{"process.parent_death_signal", parent_death_signal, .in_place = true},
	{"process.dumpable", dumpable},
	{"process.personality", personality_now},
	{"process.nice", priority},
	{"process.limit_fsize", limit, NUMBER(RLIMIT_FSIZE)},
	{"process.limit_nofile", limit, NUMBER(RLIMIT_NOFILE)},
	{"process.limit_raise", limit_raise},
	{"process.oom_score_adj", oom_score},
	{"process.oom_score_lower", oom_score_lower},
	{"process.core_filter", core_filter},
	{"process.working_folder", working_folder},
	{"descriptors.stdin", standard_descriptor, NUMBER(0)},
	{"descriptors.stdout", standard_descriptor, NUMBER(1)},
	{"descriptors.stderr", standard_descriptor, NUMBER(2)},
	{"descriptors.above_2", descriptors_above_2, .in_place = true},
	{"descriptors.planted", planted_descriptor},
	{"descriptors.planted_folder", planted_folder_descriptor},
};

const struct checks checks_process = CHECKS(items);
