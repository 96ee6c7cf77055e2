/* Who the payload is: ids, groups, capabilities, and whether executing a file makes it someone else. */
#include "probe.h"

#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <linux/capability.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <sys/xattr.h>
#include <unistd.h>

static void status_row(struct probe *probe)
{
	const char *value = status_field(probe->check->argument);

	answer(probe, "%s", value ? value : "absent");
}

static void user_ids(struct probe *probe)
{
	uid_t real = 0, effective = 0, saved = 0;

	if (getresuid(&real, &effective, &saved) < 0)
		answer_errno(probe);
	else
		answer(probe, "%u %u %u", real, effective, saved);
}

static void group_ids(struct probe *probe)
{
	gid_t real = 0, effective = 0, saved = 0;

	if (getresgid(&real, &effective, &saved) < 0)
		answer_errno(probe);
	else
		answer(probe, "%u %u %u", real, effective, saved);
}

/* What a group of the host is called in a user namespace that does not map it. */
enum { UNMAPPED = 65534 };

static void groups(struct probe *probe)
{
	gid_t list[256];
	int count = getgroups(256, list);

	if (count < 0)
		answer_errno(probe);
	for (int i = 0; i < count; i++) {
		if (list[i] != UNMAPPED)
			answer_more(probe, "%s%u", probe->answer[0] ? " " : "", list[i]);
	}
	if (!probe->answer[0])
		answer(probe, "none");
}

/* Groups of the host user. Where setgroups(2) is denied for good they stay, and say nothing of the tool. */
static void foreign_groups(struct probe *probe)
{
	gid_t list[256];
	char policy[32] = "";
	int count = getgroups(256, list);
	bool found = false;

	(void)read_text("/proc/self/setgroups", policy, sizeof(policy));
	for (int i = 0; i < count; i++)
		found = found || list[i] == UNMAPPED;
	answer(probe, "%s", strncmp(policy, "deny", 4) == 0 ? "not ours to drop" : found ? "some"
											 : "none");
}

static void groups_set(struct probe *probe)
{
	gid_t own = getgid();

	answer_result(probe, setgroups(1, &own));
}

static void groups_policy(struct probe *probe)
{
	char text[32];

	if (read_text("/proc/self/setgroups", text, sizeof(text)) < 0)
		answer_errno(probe);
	else
		answer(probe, "%.*s", (int)strcspn(text, "\n"), text);
}

/* "0+1 1+65536": the first id inside and how many, without the host's numbers. */
static void id_map(struct probe *probe)
{
	char text[4096];
	char *line = text;
	unsigned long inside = 0, outside = 0, count = 0;

	if (read_text(probe->check->argument, text, sizeof(text)) < 0) {
		answer_errno(probe);
		return;
	}
	while (sscanf(line, "%lu %lu %lu", &inside, &outside, &count) == 3) {
		answer_more(probe, "%s%lu+%lu", line == text ? "" : " ", inside, count);
		line += strcspn(line, "\n");
		line += *line == '\n';
	}
}

static void become_user_1(struct probe *probe)
{
	answer_result(probe, setresuid(1, 1, 1));
}

static void secure_bits(struct probe *probe)
{
	answer(probe, "%d", prctl(PR_GET_SECUREBITS));
}

static void raise_ambient(struct probe *probe)
{
	answer_result(probe, prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_RAISE, CAP_CHOWN, 0, 0));
}

/* Runs `path --effective` and reads "EUID EGID CAPEFF". False when it could not be executed. */
static bool effective_after(
	struct probe *probe, const char *path, unsigned int ids[2], unsigned long long *capabilities)
{
	char text[128] = "";
	int ends[2];
	ssize_t length = 0;
	pid_t pid = 0;

	if (pipe2(ends, O_CLOEXEC) < 0)
		return false;
	pid = fork();
	if (pid == 0) {
		dup2(ends[1], STDOUT_FILENO);
		execl(path, path, "--effective", (char *)NULL);
		dprintf(STDOUT_FILENO, "%s", strerrorname_np(errno));
		_exit(1);
	}
	close(ends[1]);
	length = read(ends[0], text, sizeof(text) - 1);
	text[length < 0 ? 0 : length] = '\0';
	waitpid(pid, NULL, 0);
	if (sscanf(text, "%u %u %llx", &ids[0], &ids[1], capabilities) == 3)
		return true;
	answer(probe, "%s", text[0] ? text : "nothing");
	return false;
}

/* The test's root file system holds copies of the probe that belong to others and are mode 06755. */
static void set_user_id(struct probe *probe)
{
	unsigned int ids[2];
	unsigned long long capabilities = 0;

	if (effective_after(probe, probe->check->argument, ids, &capabilities))
		answer(probe, "%s", ids[0] == geteuid() && ids[1] == getegid() ? "no effect" : "effective");
}

/* security.capability, version 2: permitted and effective CAP_CHOWN. */
static int grant_chown(const char *path)
{
	struct vfs_cap_data data = {
		.magic_etc = VFS_CAP_REVISION_2 | VFS_CAP_FLAGS_EFFECTIVE,
		.data[0].permitted = 1 << CAP_CHOWN,
	};

	return setxattr(path, "security.capability", &data, sizeof(data), 0);
}

static int copy_self(const char *path)
{
	char buffer[65536];
	ssize_t length = 0;
	int from = open("/proc/self/exe", O_RDONLY | O_CLOEXEC);
	int to = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0755);

	while (from >= 0 && to >= 0 && (length = read(from, buffer, sizeof(buffer))) > 0) {
		if (write(to, buffer, (size_t)length) != length)
			length = -1;
	}
	/* The process ends soon: what fails here stays open, and errno stays. */
	return from < 0 || to < 0 || length < 0 || fchmod(to, 0755) < 0 || close(to) < 0 ? -1 : 0;
}

/* Root gives a file CAP_CHOWN, becomes someone without any, and executes it. */
static void file_capability(struct probe *probe)
{
	static const char path[] = "/probe.capable";
	unsigned int ids[2];
	unsigned long long capabilities = 0;

	if (copy_self(path) < 0 || grant_chown(path) < 0 || setresuid(1, 1, 1) < 0) {
		answer_errno(probe);
		/* It may be the host's root, where that is open to everybody. */
		(void)unlink(path);
		return;
	}
	if (effective_after(probe, path, ids, &capabilities))
		answer(probe, "%s", capabilities ? "effective" : "no effect");
}

/* A root whose bounding set is larger than what he has gets the rest back by executing anything. */
static void regain_by_exec(struct probe *probe)
{
	unsigned int ids[2];
	unsigned long long capabilities = 0;

	if (effective_after(probe, "/proc/self/exe", ids, &capabilities))
		answer(probe, "%016llx", capabilities);
}

static const struct check items[] = {
	{"capabilities.inheritable", status_row, "CapInh"},
	{"capabilities.permitted", status_row, "CapPrm"},
	{"capabilities.effective", status_row, "CapEff"},
	{"capabilities.bounding", status_row, "CapBnd"},
	{"capabilities.ambient", status_row, "CapAmb"},
	{"capabilities.raise_ambient", raise_ambient},
	{"capabilities.after_exec", regain_by_exec},
	{"capabilities.of_a_file", file_capability},
	{"capabilities.secure_bits", secure_bits},
	{"no_new_privs", status_row, "NoNewPrivs"},
	{"seccomp.mode", status_row, "Seccomp"},
	{"ids.user", user_ids},
	{"ids.group", group_ids},
	{"ids.groups", groups},
	{"ids.groups_of_the_host", foreign_groups},
	{"ids.setgroups", groups_set},
	{"ids.setgroups_policy", groups_policy},
	{"ids.become_user_1", become_user_1},
	{"ids.user_map", id_map, "/proc/self/uid_map"},
	{"ids.group_map", id_map, "/proc/self/gid_map"},
	{"ids.set_user_id_root", set_user_id, "/probe.setuid-root"},
	{"ids.set_user_id_daemon", set_user_id, "/probe.setuid-daemon"},
};

const struct checks checks_identity = CHECKS(items);
