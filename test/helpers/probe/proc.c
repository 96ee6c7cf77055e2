/* /proc, /sys and the control groups: what can be read that should be masked, written that should not. */
#include "probe.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/statfs.h>
#include <sys/statvfs.h>
#include <sys/sysmacros.h>
#include <unistd.h>

static int entries_in(const char *path)
{
	DIR *directory = opendir(path);
	struct dirent *entry = NULL;
	int count = 0;

	if (!directory)
		return -1;
	while ((entry = readdir(directory)))
		count += strcmp(entry->d_name, ".") != 0 && strcmp(entry->d_name, "..") != 0;
	closedir(directory);
	return count;
}

/*
 * Kernels have different ones of these, so what is not there counts as what is masked: there is
 * nothing to read.
 */
static void masked(struct probe *probe)
{
	const char *path = probe->check->argument;
	struct stat status;
	char text[64];
	ssize_t length = 0;

	if (stat(path, &status) < 0 && errno == ENOENT) {
		answer(probe, "nothing to read");
		return;
	}
	length = S_ISDIR(status.st_mode) ? entries_in(path) : read_text(path, text, sizeof(text));
	if (length < 0)
		answer_errno(probe);
	else
		answer(probe, "%s", length ? "content" : "nothing to read");
}

static bool is_null_device(const struct stat *status)
{
	return S_ISCHR(status->st_mode) && status->st_rdev == makedev(1, 3);
}

static bool is_empty_tmpfs(const char *path)
{
	struct statfs system;

	return statfs(path, &system) == 0 && system.f_type == 0x01021994 && (system.f_flags & ST_RDONLY) &&
		entries_in(path) == 0;
}

/* A mask that the image could have put there itself would mask nothing. Only what exists is looked at. */
static void mask_source(struct probe *probe)
{
	const char *path = probe->check->argument;
	struct stat status;

	if (stat(path, &status) < 0)
		answer_errno(probe);
	else if (is_null_device(&status))
		answer(probe, "null device");
	else if (S_ISDIR(status.st_mode) && is_empty_tmpfs(path))
		answer(probe, "empty tmpfs");
	else
		answer(probe, "not masked");
}

/* Opened for writing, never written to. */
static void writable(struct probe *probe)
{
	answer_result(probe, open(probe->check->argument, O_WRONLY | O_CLOEXEC));
}

/* By the mount's flag: the permissions of most files would refuse the payload anyway. What is absent counts. */
static void read_only(struct probe *probe)
{
	struct statvfs system;
	bool found = statvfs(probe->check->argument, &system) == 0;

	if (!found && errno != ENOENT)
		answer_errno(probe);
	else
		answer(probe, "%s", !found || system.f_flag & ST_RDONLY ? "read-only" : "writable");
}

static void number_file(struct probe *probe)
{
	char text[64];

	if (read_text(probe->check->argument, text, sizeof(text)) < 0)
		answer_errno(probe);
	else
		answer(probe, "%.*s", (int)strcspn(text, "\n"), text);
}

/* Ping without a raw socket: a range of group ids. */
static void ping_range(struct probe *probe)
{
	char text[64];
	unsigned long first = 1, last = 0;

	if (read_text("/proc/sys/net/ipv4/ping_group_range", text, sizeof(text)) < 0)
		answer_errno(probe);
	else if (sscanf(text, "%lu %lu", &first, &last) == 2 && first <= getegid() && getegid() <= last)
		answer(probe, "holds the group");
	else
		answer(probe, "without the group");
}

static void proc_options(struct probe *probe)
{
	struct statfs system;

	if (statfs("/proc", &system) < 0)
		answer_errno(probe);
	else
		answer(probe, "%s", system.f_type == 0x9fa0 ? "proc" : "other");
}

/* With a cgroup namespace, every line of /proc/self/cgroup ends in ":/". */
static void cgroup_path(struct probe *probe)
{
	char text[8192];
	char *line = text;
	bool own = true;

	if (read_text("/proc/self/cgroup", text, sizeof(text)) < 0) {
		answer_errno(probe);
		return;
	}
	for (char *next = NULL; *line; line = next) {
		size_t length = strcspn(line, "\n");

		own = own && length >= 2 && strncmp(line + length - 2, ":/", 2) == 0;
		next = line + length + (line[length] == '\n');
	}
	answer(probe, "%s", own ? "root" : "below root");
}

static void cgroup_create(struct probe *probe)
{
	answer_result(probe, mkdir("/sys/fs/cgroup/probe", 0755));
	(void)rmdir("/sys/fs/cgroup/probe");
}

static void cgroup_write(struct probe *probe)
{
	answer_result(probe, open("/sys/fs/cgroup/cgroup.procs", O_WRONLY | O_CLOEXEC));
}

static const struct check items[] = {
	{"proc.kind", proc_options},
	{"proc.masked_acpi", masked, "/proc/acpi"},
	{"proc.masked_asound", masked, "/proc/asound"},
	{"proc.masked_interrupts", masked, "/proc/interrupts"},
	{"proc.masked_kcore", masked, "/proc/kcore"},
	{"proc.masked_keys", masked, "/proc/keys"},
	{"proc.masked_latency_stats", masked, "/proc/latency_stats"},
	{"proc.masked_sched_debug", masked, "/proc/sched_debug"},
	{"proc.masked_scsi", masked, "/proc/scsi"},
	{"proc.masked_timer_list", masked, "/proc/timer_list"},
	{"proc.masked_timer_stats", masked, "/proc/timer_stats"},
	{"proc.mask_of_keys", mask_source, "/proc/keys"},
	{"proc.mask_of_timer_list", mask_source, "/proc/timer_list"},
	{"proc.write_hostname", writable, "/proc/sys/kernel/hostname"},
	{"proc.write_core_pattern", writable, "/proc/sys/kernel/core_pattern"},
	{"proc.write_ip_forward", writable, "/proc/sys/net/ipv4/ip_forward"},
	{"proc.write_msgmax", writable, "/proc/sys/kernel/msgmax"},
	{"proc.read_only_sys", read_only, "/proc/sys"},
	{"proc.read_only_sysrq_trigger", read_only, "/proc/sysrq-trigger"},
	{"proc.read_only_bus", read_only, "/proc/bus"},
	{"proc.read_only_fs", read_only, "/proc/fs"},
	{"proc.read_only_irq", read_only, "/proc/irq"},
	{"sys.read_only", read_only, "/sys"},
	{"cgroup.read_only", read_only, "/sys/fs/cgroup"},
	{"proc.ping_group_range", ping_range},
	{"proc.unprivileged_ports", number_file, "/proc/sys/net/ipv4/ip_unprivileged_port_start"},
	{"sys.masked_firmware", masked, "/sys/firmware"},
	{"sys.masked_powercap", masked, "/sys/devices/virtual/powercap"},
	{"cgroup.path", cgroup_path},
	{"cgroup.create", cgroup_create},
	{"cgroup.write", cgroup_write},
};

const struct checks checks_proc = CHECKS(items);
