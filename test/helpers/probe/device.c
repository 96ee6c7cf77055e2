/* /dev: exactly what is in it, that it is what it says, and that nothing can be added. */
#include "probe.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <pty.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

static void describe(char *text, size_t size, const char *name)
{
	struct stat status;
	char path[512], target[256] = "";

	snprintf(path, sizeof(path), "/dev/%s", name);
	if (lstat(path, &status) < 0)
		snprintf(text, size, "%.64s=?", name);
	else if (S_ISLNK(status.st_mode) && readlink(path, target, sizeof(target) - 1) > 0)
		snprintf(text, size, "%.64s->%.128s", name, target);
	else if (S_ISDIR(status.st_mode))
		snprintf(text, size, "%.64s/", name);
	else if (S_ISCHR(status.st_mode) || S_ISBLK(status.st_mode))
		snprintf(text, size, "%.64s=%c%u:%u", name, S_ISCHR(status.st_mode) ? 'c' : 'b',
			major(status.st_rdev), minor(status.st_rdev));
	else
		snprintf(text, size, "%.64s=file", name);
}

static void listing(struct probe *probe)
{
	static char texts[128][256];
	char *words[128];
	size_t count = 0;
	struct dirent *entry = NULL;
	DIR *directory = opendir("/dev");

	if (!directory) {
		answer_errno(probe);
		return;
	}
	while (count < 128 && (entry = readdir(directory))) {
		if (strcmp(entry->d_name, ".") == 0 || strcmp(entry->d_name, "..") == 0)
			continue;
		describe(texts[count], sizeof(texts[count]), entry->d_name);
		words[count] = texts[count];
		count++;
	}
	closedir(directory);
	answer_sorted(probe, words, count);
}

/* Opens a device, and one read and one write: what each gave. */
static void behaviour(struct probe *probe)
{
	char bytes[16] = {1};
	ssize_t got = 0, put = 0;
	int fd = open(probe->check->argument, O_RDWR | O_CLOEXEC | O_NOCTTY);

	if (fd < 0) {
		answer_errno(probe);
		return;
	}
	got = read(fd, bytes, sizeof(bytes));
	answer(probe, "read %zd", got);
	put = write(fd, bytes, sizeof(bytes));
	if (put < 0)
		answer_more(probe, ", write %s", strerrorname_np(errno));
	else
		answer_more(probe, ", write %zd", put);
}

static void make_node(struct probe *probe, mode_t type, unsigned int major_number, unsigned int minor_number)
{
	const char *path = probe->check->argument;

	answer_result(probe, mknod(path, type | 0600, makedev(major_number, minor_number)));
	(void)unlink(path);
}

static void make_character(struct probe *probe)
{
	make_node(probe, S_IFCHR, 1, 3);
}

static void make_block(struct probe *probe)
{
	make_node(probe, S_IFBLK, 8, 0);
}

static void make_pipe(struct probe *probe)
{
	make_node(probe, S_IFIFO, 0, 0);
}

static void make_file(struct probe *probe)
{
	int fd = open(probe->check->argument, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);

	answer_result(probe, fd);
	if (fd >= 0)
		(void)unlink(probe->check->argument);
}

static void pseudo_terminal(struct probe *probe)
{
	int outer = -1, inner = -1;
	char name[64] = "";

	if (openpty(&outer, &inner, name, NULL, NULL) < 0)
		answer_errno(probe);
	else
		answer(probe, "%s", strncmp(name, "/dev/pts/", 9) == 0 ? "ok" : name);
}

static void terminals_listed(struct probe *probe)
{
	DIR *directory = opendir("/dev/pts");
	struct dirent *entry = NULL;
	int count = 0;

	if (!directory) {
		answer_errno(probe);
		return;
	}
	while ((entry = readdir(directory)))
		count += entry->d_name[0] >= '0' && entry->d_name[0] <= '9';
	closedir(directory);
	answer(probe, "%s", count == 0 ? "none" : count == 1 ? "one"
							     : "several");
}

static void shared_memory(struct probe *probe)
{
	int fd = shm_open("/probe", O_RDWR | O_CREAT | O_CLOEXEC, 0600);

	answer_result(probe, fd);
	(void)shm_unlink("/probe");
}

static void shared_memory_mode(struct probe *probe)
{
	struct stat status;

	if (stat("/dev/shm", &status) < 0)
		answer_errno(probe);
	else
		answer(probe, "%04o", status.st_mode & 07777);
}

static const struct check items[] = {
	{"dev.list", listing},
	{"dev.null", behaviour, "/dev/null"},
	{"dev.zero", behaviour, "/dev/zero"},
	{"dev.full", behaviour, "/dev/full"},
	{"dev.random", behaviour, "/dev/random"},
	{"dev.urandom", behaviour, "/dev/urandom"},
	{"dev.create_file", make_file, "/dev/probe.node"},
	{"dev.mknod_character", make_character, "/tmp/probe.node"},
	{"dev.mknod_block", make_block, "/tmp/probe.node"},
	{"dev.mknod_in_dev", make_character, "/dev/probe.node"},
	{"dev.mkfifo", make_pipe, "/tmp/probe.node"},
	{"dev.openpty", pseudo_terminal},
	{"dev.pts_listed", terminals_listed},
	{"dev.shm_open", shared_memory},
	{"dev.shm_mode", shared_memory_mode},
};

const struct checks checks_device = CHECKS(items);
