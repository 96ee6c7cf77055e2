/* Mounts: what stands where and with which flags, and whether the payload can change any of it. */
#include "probe.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

/* --- what stands where --- */

struct mount_line {
	char root[1024], point[1024], options[512], fields[256], type[64], source[1024];
};

/* Calls `visit` for each line of mountinfo; see proc(5). */
static void each_mount(void (*visit)(const struct mount_line *line, void *data), void *data)
{
	static struct mount_line line;
	char *text = NULL;
	size_t size = 0;
	FILE *file = fopen("/proc/self/mountinfo", "re");

	while (file && getline(&text, &size, file) > 0) {
		char *separator = strstr(text, " - ");

		memset(&line, 0, sizeof(line));
		if (!separator)
			continue;
		*separator = '\0';
		(void)sscanf(text, "%*s %*s %*s %1023s %1023s %511s %255[^\n]", line.root, line.point,
			line.options, line.fields);
		(void)sscanf(separator + 3, "%63s %1023s", line.type, line.source);
		visit(&line, data);
	}
	free(text);
	if (file)
		fclose(file);
}

struct search {
	const char *point;
	char found[256];
	int count;
};

static void visit_point(const struct mount_line *line, void *data)
{
	struct search *search = data;

	if (strcmp(line->point, search->point) != 0)
		return;
	search->count++;
	snprintf(search->found, sizeof(search->found), "%.32s", line->type);
	for (const char *const *flag = (const char *const[]){"ro", "rw", "nosuid", "nodev", "noexec", NULL};
		*flag; flag++) {
		char options[520];
		char word[16];

		snprintf(options, sizeof(options), ",%.512s,", line->options);
		snprintf(word, sizeof(word), ",%s,", *flag);
		if (strstr(options, word))
			snprintf(search->found + strlen(search->found), 16, " %s", *flag);
	}
}

/* "overlay rw nosuid nodev": the topmost mount there. */
static void mount_flags(struct probe *probe)
{
	struct search search = {.point = probe->check->argument};

	each_mount(visit_point, &search);
	answer(probe, "%s", search.count ? search.found : "no mount");
}

static void mounts_on_root(struct probe *probe)
{
	struct search search = {.point = "/"};

	each_mount(visit_point, &search);
	answer(probe, "%d", search.count);
}

static void visit_propagation(const struct mount_line *line, void *data)
{
	*(int *)data += strstr(line->fields, "shared:") || strstr(line->fields, "master:");
}

static void propagation(struct probe *probe)
{
	int linked = 0;

	each_mount(visit_propagation, &linked);
	answer(probe, "%s", linked ? "linked" : "private");
}

static void host_paths(struct probe *probe)
{
	if (answer_unplanted(probe, probe->planted->home != NULL))
		return;
	answer(probe, "%s",
		file_mentions("/proc/self/mountinfo", probe->planted->home) ? "named" : "not named");
}

static void visit_block_device(const struct mount_line *line, void *data)
{
	*(int *)data += strncmp(line->source, "/dev/", 5) == 0 && strcmp(line->type, "devpts") != 0;
}

/* Mounts whose source is a device of the host: binds of its disk. /dev/null and kin are devtmpfs. */
static void from_a_disk(struct probe *probe)
{
	int count = 0;

	each_mount(visit_block_device, &count);
	answer(probe, "%s", count ? "some" : "none");
}

/* --- the host's files --- */

static void host_file(struct probe *probe)
{
	if (!answer_unplanted(probe, probe->planted->file != NULL))
		answer_result(probe, open(probe->planted->file, O_RDONLY | O_CLOEXEC));
}

static void host_file_through(struct probe *probe)
{
	char path[4096];

	snprintf(path, sizeof(path), "%s%s", (const char *)probe->check->argument,
		probe->planted->file ? probe->planted->file : "");
	if (!answer_unplanted(probe, probe->planted->file != NULL))
		answer_result(probe, open(path, O_RDONLY | O_CLOEXEC));
}

/* An inner chroot that its process stands outside of, and then upwards: chroot(2), "NOTES". */
static void chroot_escape(struct probe *probe)
{
	struct stat before, after;

	(void)mkdir("/tmp/probe.inner", 0755);
	if (stat("/", &before) < 0 || chdir("/") < 0 || chroot("/tmp/probe.inner") < 0) {
		answer_errno(probe);
		(void)rmdir("/tmp/probe.inner");
		return;
	}
	for (int i = 0; i < 64; i++)
		(void)!chdir("..");
	if (chroot(".") < 0 || stat("/", &after) < 0)
		answer_errno(probe);
	else
		answer(probe, "%s",
			before.st_ino == after.st_ino && before.st_dev == after.st_dev ? "contained"
										       : "escaped");
	(void)rmdir("/tmp/probe.inner");
}

static void above_root(struct probe *probe)
{
	struct stat root, above;

	if (stat("/", &root) < 0 || stat("/../../..", &above) < 0)
		answer_errno(probe);
	else
		answer(probe, "%s",
			root.st_ino == above.st_ino && root.st_dev == above.st_dev ? "itself" : "other");
}

/* What a leftover old root under the new one would show once the upper one is detached. */
static void beneath_root(struct probe *probe)
{
	keep_mounts_private();
	answer_result(probe, umount2("/", MNT_DETACH));
}

static void root_writable(struct probe *probe)
{
	answer_result(probe, open("/probe.written", O_WRONLY | O_CREAT | O_CLOEXEC, 0600));
	(void)unlink("/probe.written");
}

static void folder_mode(struct probe *probe)
{
	struct stat status;

	if (lstat(probe->check->argument, &status) < 0)
		answer_errno(probe);
	else if (!S_ISDIR(status.st_mode))
		answer(probe, "no directory");
	else
		answer(probe, "%04o %u:%u", status.st_mode & 07777, status.st_uid, status.st_gid);
}

/* --- changing it --- */

static void mount_tmpfs(struct probe *probe)
{
	keep_mounts_private();
	answer_result(probe, mount("tmpfs", "/tmp", "tmpfs", 0, NULL));
}

static void mount_proc(struct probe *probe)
{
	keep_mounts_private();
	answer_result(probe, mount("proc", "/proc", "proc", 0, NULL));
}

static void mount_bind(struct probe *probe)
{
	keep_mounts_private();
	answer_result(probe, mount("/", "/tmp", NULL, MS_BIND, NULL));
}

static void remount_root(struct probe *probe)
{
	keep_mounts_private();
	answer_result(probe, mount(NULL, "/", NULL, MS_BIND | MS_REMOUNT, NULL));
}

static void remount_proc_sys(struct probe *probe)
{
	keep_mounts_private();
	answer_result(probe, mount(NULL, "/proc/sys", NULL, MS_BIND | MS_REMOUNT, NULL));
}

static void unmount(struct probe *probe)
{
	keep_mounts_private();
	answer_result(probe, umount2(probe->check->argument, MNT_DETACH));
}

static void pivot(struct probe *probe)
{
	keep_mounts_private();
	answer_result(probe, syscall(SYS_pivot_root, "/tmp", "/tmp"));
}

static void open_file_system(struct probe *probe)
{
	answer_result(probe, syscall(SYS_fsopen, "tmpfs", FSOPEN_CLOEXEC));
}

static void pick_file_system(struct probe *probe)
{
	answer_result(probe, syscall(SYS_fspick, AT_FDCWD, "/", FSPICK_CLOEXEC));
}

static void clone_tree(struct probe *probe)
{
	answer_result(probe, syscall(SYS_open_tree, AT_FDCWD, "/", OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC));
}

/* Without the clone flag it is open(O_PATH), and needs no privilege: it tells a filter from the kernel. */
static void open_tree_plain(struct probe *probe)
{
	answer_result(probe, syscall(SYS_open_tree, AT_FDCWD, "/", OPEN_TREE_CLOEXEC));
}

static void move(struct probe *probe)
{
	keep_mounts_private();
	answer_result(probe, syscall(SYS_move_mount, AT_FDCWD, "/proc", AT_FDCWD, "/tmp", 0));
}

static void set_attributes(struct probe *probe)
{
	struct mount_attr attributes = {.attr_clr = MOUNT_ATTR_NOSUID};

	keep_mounts_private();
	answer_result(probe, syscall(SYS_mount_setattr, AT_FDCWD, "/", 0, &attributes, sizeof(attributes)));
}

static const struct check items[] = {
	{"mount.root", mount_flags, "/"},
	{"mount.proc", mount_flags, "/proc"},
	{"mount.proc_sys", mount_flags, "/proc/sys"},
	{"mount.sys", mount_flags, "/sys"},
	{"mount.cgroup", mount_flags, "/sys/fs/cgroup"},
	{"mount.dev", mount_flags, "/dev"},
	{"mount.dev_pts", mount_flags, "/dev/pts"},
	{"mount.dev_shm", mount_flags, "/dev/shm"},
	{"mount.dev_mqueue", mount_flags, "/dev/mqueue"},
	{"mount.tmp", mount_flags, "/tmp"},
	{"mount.run", mount_flags, "/run"},
	{"mount.etc_hosts", mount_flags, "/etc/hosts"},
	{"mount.etc_hostname", mount_flags, "/etc/hostname"},
	{"mount.etc_resolv_conf", mount_flags, "/etc/resolv.conf"},
	{"mount.count_on_root", mounts_on_root},
	{"mount.propagation", propagation},
	{"mount.host_paths", host_paths},
	{"mount.from_a_disk", from_a_disk},
	{"files.host_file", host_file},
	{"files.host_file_by_pid1", host_file_through, "/proc/1/root"},
	{"files.host_file_by_parent", host_file_through, "/../../../.."},
	{"files.above_root", above_root},
	{"files.chroot_escape", chroot_escape},
	{"files.beneath_root", beneath_root},
	{"files.root_writable", root_writable},
	{"files.tmp", folder_mode, "/tmp"},
	{"files.run", folder_mode, "/run"},
	{"mounting.tmpfs", mount_tmpfs},
	{"mounting.proc", mount_proc},
	{"mounting.bind", mount_bind},
	{"mounting.remount_root", remount_root},
	{"mounting.remount_proc_sys", remount_proc_sys},
	{"mounting.unmount_proc", unmount, "/proc"},
	{"mounting.unmount_mask", unmount, "/proc/keys"},
	{"mounting.pivot_root", pivot},
	{"mounting.fsopen", open_file_system},
	{"mounting.fspick", pick_file_system},
	{"mounting.open_tree_clone", clone_tree},
	{"mounting.open_tree", open_tree_plain},
	{"mounting.move_mount", move},
	{"mounting.mount_setattr", set_attributes},
};

const struct checks checks_mount = CHECKS(items);
