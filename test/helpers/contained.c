/*
 * contained CANARY [FILE TEXT]…: run inside a sandbox on a hostile root. Looks whether set-up was led astray: is
 * what stands in the usual places what it should be, is there a way to the host's file CANARY, and does each FILE
 * begin with its TEXT? Prints "contained", or a sentence for each thing that is wrong, and then ends with 1.
 */
#include <errno.h>
#include <fcntl.h>
#include <linux/magic.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/statfs.h>
#include <sys/sysmacros.h>
#include <unistd.h>

static int problems;

static void complain(const char *sentence, const char *object)
{
	printf("%s: %s\n", object, sentence);
	problems++;
}

static void check_file_system(const char *path, long magic)
{
	struct statfs status;

	if (statfs(path, &status) < 0)
		complain(strerror(errno), path);
	else if (status.f_type != magic)
		complain("another file system is mounted there", path);
}

static void check_device(const char *path, unsigned int minor_number)
{
	struct stat status;

	if (stat(path, &status) < 0)
		complain(strerror(errno), path);
	else if (!S_ISCHR(status.st_mode) || status.st_rdev != makedev(1, minor_number))
		complain("not the device that it should be", path);
}

/* A masked file reads as nothing, a masked or protected one cannot be written. */
static void check_masked(const char *path)
{
	char byte;
	int fd = open(path, O_RDONLY | O_CLOEXEC);

	if (fd < 0)
		return;
	if (read(fd, &byte, 1) > 0)
		complain("not masked", path);
	(void)close(fd);
}

static void check_protected(const char *path)
{
	int fd = open(path, O_WRONLY | O_CLOEXEC);

	if (fd < 0)
		return;
	complain("can be opened for writing", path);
	(void)close(fd);
}

static void check_working_directory(void)
{
	char path[4096];

	if (!getcwd(path, sizeof(path)))
		complain(strerror(errno), "the working directory");
	else if (path[0] != '/')
		complain("the working directory is outside the root", path);
}

/* Set-up may have made a file of that name inside: it is the content that tells. */
static bool is_precious(const char *path)
{
	char text[256];
	int fd = open(path, O_RDONLY | O_NONBLOCK | O_CLOEXEC);
	ssize_t size = fd < 0 ? -1 : read(fd, text, sizeof(text));

	if (fd >= 0)
		(void)close(fd);
	return size > 0 && memmem(text, (size_t)size, "precious", strlen("precious"));
}

/* By every way that a link of the image could have left: directly, and from each place that set-up mounts. */
static void check_canary(const char *canary)
{
	static const char *const ways[] = {"", "/proc/1/root", "/proc/self/cwd", "/mnt", "/mnt/point", "/work", "/etc",
		"/tmp", "/run", "/dev", "/sys", "/root", "/var"};

	for (size_t i = 0; i < sizeof(ways) / sizeof(ways[0]); i++) {
		char path[4096];

		(void)snprintf(path, sizeof(path), "%s%s", ways[i], canary);
		if (is_precious(path))
			complain("a file of the host can be reached", path);
	}
}

static void check_text(const char *path, const char *expected)
{
	char text[256] = "";
	int fd = open(path, O_RDONLY | O_NONBLOCK | O_CLOEXEC);
	ssize_t size = fd < 0 ? -1 : read(fd, text, sizeof(text) - 1);

	if (fd >= 0)
		(void)close(fd);
	if (size < 0)
		complain(strerror(errno), path);
	else if (strncmp(text, expected, strlen(expected)) != 0)
		complain("another file is shown there", path);
}

int main(int argc, char **argv)
{
	check_file_system("/proc", PROC_SUPER_MAGIC);
	check_file_system("/sys", SYSFS_MAGIC);
	check_file_system("/dev", TMPFS_MAGIC);
	check_device("/dev/null", 3);
	check_device("/dev/zero", 5);
	check_device("/dev/urandom", 9);
	check_masked("/proc/kcore");
	check_masked("/proc/keys");
	check_masked("/proc/interrupts");
	check_protected("/proc/sysrq-trigger");
	check_protected("/proc/sys/kernel/core_pattern");
	check_working_directory();
	if (argc > 1)
		check_canary(argv[1]);
	for (int i = 2; i + 1 < argc; i += 2)
		check_text(argv[i], argv[i + 1]);
	if (!problems)
		puts("contained");
	return problems != 0;
}
