/*
 * floor [--ids] [--same] ROOT COMMAND [ARGUMENT…]
 *
 * The least that a container start can cost: one clone with all namespaces, the id maps, an overlay,
 * proc, sys and a small /dev, pivot_root, fork, exec. No protection, no cleanup worth the name: it is
 * what `sandbox run` is measured against (make bench), not something to run anything in.
 *
 *   --ids    65,536 ids through newuidmap and newgidmap, both at once; else one id
 *   --same   every mount of a default sandbox (runtime/plan_mounts.c), so that only the rest differs
 */
#include <errno.h>
#include <fcntl.h>
#include <pwd.h>
#include <sched.h>
#include <signal.h>
#include <spawn.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

enum {
	NAMESPACES = CLONE_NEWUSER | CLONE_NEWNS | CLONE_NEWPID | CLONE_NEWIPC | CLONE_NEWUTS | CLONE_NEWNET |
		CLONE_NEWCGROUP
};

#define SCRATCH "/tmp"
#define NEW     SCRATCH "/root"

__attribute__((noreturn)) static void fail(const char *what)
{
	fprintf(stderr, "floor: %s: %s\n", what, strerror(errno));
	_exit(125);
}

static void need(long result, const char *what)
{
	if (result < 0)
		fail(what);
}

/* --- ids --- */

static void write_file(const char *path, const char *text)
{
	int fd = open(path, O_WRONLY | O_CLOEXEC);

	if (fd < 0 || write(fd, text, strlen(text)) < 0)
		fail(path);
	close(fd);
}

static void map_one_id(unsigned int uid, unsigned int gid)
{
	char text[64];

	write_file("/proc/self/setgroups", "deny");
	snprintf(text, sizeof(text), "0 %u 1", uid);
	write_file("/proc/self/uid_map", text);
	snprintf(text, sizeof(text), "0 %u 1", gid);
	write_file("/proc/self/gid_map", text);
}

static const char *user_name(void)
{
	FILE *file = fopen("/etc/passwd", "re");
	const struct passwd *user = NULL;

	while (file && (user = fgetpwent(file))) {
		if (user->pw_uid == getuid())
			return user->pw_name;
	}
	errno = ENOENT;
	fail("/etc/passwd");
}

/* The first number of the user's line in /etc/subuid or /etc/subgid. */
static void first_subordinate(const char *path, char *out, size_t size)
{
	const char *name = user_name();
	size_t length = strlen(name);
	char line[256];
	FILE *file = fopen(path, "re");

	while (file && fgets(line, sizeof(line), file)) {
		const char *rest = line + length + 1;

		if (strncmp(line, name, length) == 0 && line[length] == ':') {
			snprintf(out, size, "%.*s", (int)strcspn(rest, ":"), rest);
			fclose(file);
			return;
		}
	}
	errno = ENOENT;
	fail(path);
}

static pid_t start_helper(const char *path, pid_t target, unsigned int own, const char *first)
{
	char pid[16], id[16];
	const char *const arguments[] = {path, pid, "0", id, "1", "1", first, "65535", NULL};
	char *const environment[] = {NULL};
	pid_t helper = 0;

	snprintf(pid, sizeof(pid), "%d", target);
	snprintf(id, sizeof(id), "%u", own);
	errno = posix_spawn(&helper, path, NULL, NULL, (char *const *)arguments, environment);
	if (errno)
		fail(path);
	return helper;
}

static void map_ids(pid_t target, const char *first_user, const char *first_group)
{
	pid_t helpers[] = {
		start_helper("/usr/bin/newuidmap", target, getuid(), first_user),
		start_helper("/usr/bin/newgidmap", target, getgid(), first_group),
	};
	int status = 0;

	for (int i = 0; i < 2; i++) {
		if (waitpid(helpers[i], &status, 0) < 0 || status != 0)
			fail("map ids");
	}
}

/* --- mounts --- */

static void make_root(const char *lower)
{
	char options[4200];

	need(mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL), "make mounts private");
	need(mount("tmpfs", SCRATCH, "tmpfs", 0, "mode=0700"), "mount tmpfs");
	if (mkdir(SCRATCH "/upper", 0755) < 0 || mkdir(SCRATCH "/work", 0755) < 0 || mkdir(NEW, 0755) < 0)
		fail("make folders");
	snprintf(options, sizeof(options),
		"lowerdir=%s,upperdir=" SCRATCH "/upper,workdir=" SCRATCH "/work,userxattr", lower);
	need(mount("overlay", NEW, "overlay", MS_NOSUID | MS_NODEV, options), "mount overlay");
}

struct place {
	const char *type, *path, *options;
	unsigned long flags;
	bool same_only;
};

static const struct place places[] = {
	{"proc", NEW "/proc", NULL, MS_NOSUID | MS_NODEV | MS_NOEXEC, false},
	{"sysfs", NEW "/sys", NULL, MS_NOSUID | MS_NODEV | MS_NOEXEC | MS_RDONLY, false},
	{"cgroup2", NEW "/sys/fs/cgroup", NULL, MS_NOSUID | MS_NODEV | MS_NOEXEC | MS_RDONLY, true},
	{"tmpfs", NEW "/dev", "mode=0755", MS_NOSUID | MS_NOEXEC, false},
	{"devpts", NEW "/dev/pts", "newinstance,ptmxmode=0666", MS_NOSUID | MS_NOEXEC, false},
	{"tmpfs", NEW "/dev/shm", "mode=1777", MS_NOSUID | MS_NODEV | MS_NOEXEC, true},
	{"mqueue", NEW "/dev/mqueue", NULL, MS_NOSUID | MS_NODEV | MS_NOEXEC, true},
};

static const char *const devices[] = {"null", "zero", "full", "random", "urandom", "tty"};
static const char *const masks[] = {"/proc/acpi", "/proc/asound", "/proc/interrupts", "/proc/kcore",
	"/proc/keys", "/proc/latency_stats", "/proc/sched_debug", "/proc/scsi", "/proc/timer_list",
	"/proc/timer_stats", "/sys/devices/virtual/powercap", "/sys/firmware"};
static const char *const read_only[] = {
	"/proc/bus", "/proc/fs", "/proc/irq", "/proc/sys", "/proc/sysrq-trigger"};
static const char *const files[] = {"/etc/hosts", "/etc/hostname", "/etc/resolv.conf"};

static void mount_places(bool same)
{
	for (size_t i = 0; i < sizeof(places) / sizeof(places[0]); i++) {
		const struct place *place = &places[i];

		if (place->same_only && !same)
			continue;
		if (mkdir(place->path, 0755) < 0 && errno != EEXIST)
			fail(place->path);
		need(mount(place->type, place->path, place->type, place->flags, place->options), place->path);
	}
}

static void bind_over_file(const char *source, const char *path)
{
	int fd = open(path, O_WRONLY | O_CREAT | O_CLOEXEC, 0644);

	need(fd, path);
	close(fd);
	need(mount(source, path, NULL, MS_BIND, NULL), path);
}

static void bind_devices(void)
{
	static const char *const links[][2] = {{"pts/ptmx", "/dev/ptmx"}, {"/proc/self/fd", "/dev/fd"},
		{"/proc/self/fd/0", "/dev/stdin"}, {"/proc/self/fd/1", "/dev/stdout"},
		{"/proc/self/fd/2", "/dev/stderr"}};
	char source[64], path[128];

	for (size_t i = 0; i < sizeof(devices) / sizeof(devices[0]); i++) {
		snprintf(source, sizeof(source), "/dev/%s", devices[i]);
		snprintf(path, sizeof(path), NEW "/dev/%s", devices[i]);
		bind_over_file(source, path);
	}
	for (size_t i = 0; i < sizeof(links) / sizeof(links[0]); i++) {
		snprintf(path, sizeof(path), NEW "%s", links[i][1]);
		need(symlink(links[i][0], path), path);
	}
}

/* What a kernel lacks is passed over. */
static void mask(const char *path)
{
	struct stat status;

	if (stat(path, &status) < 0)
		return;
	if (S_ISDIR(status.st_mode))
		need(mount("tmpfs", path, "tmpfs", MS_RDONLY | MS_NOSUID | MS_NODEV | MS_NOEXEC,
			     "size=0,nr_inodes=1"),
			path);
	else
		need(mount("/dev/null", path, NULL, MS_BIND, NULL), path);
}

static void protect(const char *path)
{
	if (access(path, F_OK) < 0)
		return;
	need(mount(path, path, NULL, MS_BIND | MS_REC, NULL), path);
	need(mount(NULL, path, NULL, MS_BIND | MS_REMOUNT | MS_RDONLY | MS_NOSUID | MS_NODEV | MS_NOEXEC,
		     NULL),
		path);
}

static void mount_the_rest(void)
{
	char path[256];

	for (size_t i = 0; i < sizeof(masks) / sizeof(masks[0]); i++) {
		snprintf(path, sizeof(path), NEW "%s", masks[i]);
		mask(path);
	}
	for (size_t i = 0; i < sizeof(read_only) / sizeof(read_only[0]); i++) {
		snprintf(path, sizeof(path), NEW "%s", read_only[i]);
		protect(path);
	}
	for (size_t i = 0; i < sizeof(files) / sizeof(files[0]); i++) {
		snprintf(path, sizeof(path), SCRATCH "/file-%zu", i);
		close(open(path, O_WRONLY | O_CREAT | O_CLOEXEC, 0644));
		char target[256];

		snprintf(target, sizeof(target), NEW "%s", files[i]);
		bind_over_file(path, target);
	}
}

static void enter_root(void)
{
	need(chdir(NEW), NEW);
	need(syscall(SYS_pivot_root, ".", "."), "pivot_root");
	need(umount2(".", MNT_DETACH), "detach the old root");
	need(chdir("/"), "chdir");
}

/* --- */

static int run(char **command)
{
	int status = 0;
	pid_t pid = fork();

	if (pid == 0) {
		execvp(command[0], command);
		fail(command[0]);
	}
	need(waitpid(pid, &status, 0), "waitpid");
	return WIFSIGNALED(status) ? 128 + WTERMSIG(status) : WEXITSTATUS(status);
}

static int inside(const char *root, char **command, bool same)
{
	make_root(root);
	mount_places(same);
	bind_devices();
	if (same)
		mount_the_rest();
	enter_root();
	return run(command);
}

int main(int argc, char **argv)
{
	bool ids = false, same = false;
	unsigned int uid = getuid(), gid = getgid();
	char first_user[32] = "", first_group[32] = "", byte = 0;
	int ready[2], status = 0;
	pid_t pid = 0;

	for (; argc > 1 && strncmp(argv[1], "--", 2) == 0; argc--, argv++) {
		ids = ids || strcmp(argv[1], "--ids") == 0;
		same = same || strcmp(argv[1], "--same") == 0;
	}
	if (argc < 3) {
		fprintf(stderr, "usage: floor [--ids] [--same] ROOT COMMAND [ARGUMENT...]\n");
		return 125;
	}
	if (ids) {
		first_subordinate("/etc/subuid", first_user, sizeof(first_user));
		first_subordinate("/etc/subgid", first_group, sizeof(first_group));
	}
	need(pipe2(ready, O_CLOEXEC), "pipe");
	pid = (pid_t)syscall(SYS_clone, NAMESPACES | SIGCHLD, NULL, NULL, NULL, NULL);
	need(pid, "clone");
	if (pid == 0) {
		if (!ids)
			map_one_id(uid, gid);
		else if (read(ready[0], &byte, 1) != 1 || setresgid(0, 0, 0) < 0 || setresuid(0, 0, 0) < 0)
			fail("become root");
		_exit(inside(argv[1], argv + 2, same));
	}
	if (ids) {
		map_ids(pid, first_user, first_group);
		need(write(ready[1], "", 1), "write");
	}
	need(waitpid(pid, &status, 0), "waitpid");
	return WIFSIGNALED(status) ? 128 + WTERMSIG(status) : WEXITSTATUS(status);
}
