#include "holder/spare.h"

#include <fcntl.h>
#include <net/if.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "kernel/syscalls.h"
#include "runtime/holder_protocol.h"

/* What the kernel takes are 340 lines. */
enum { MAP_TEXT_SIZE = 340 * 36 };

static bool bring_loopback_up(void)
{
	struct ifreq request = {.ifr_name = "lo", .ifr_flags = IFF_UP | IFF_RUNNING};
	int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	bool is_up = fd >= 0 && ioctl(fd, SIOCSIFFLAGS, &request) == 0;

	if (fd >= 0)
		(void)close(fd);
	return is_up;
}

static bool open_as(const char *path, int number)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	bool is_there = fd >= 0 && dup3(fd, number, O_CLOEXEC) == number;

	if (fd >= 0)
		(void)close(fd);
	return is_there;
}

/* Also when the parent was gone before. */
static bool tie_to(pid_t parent)
{
	return prctl(PR_SET_PDEATHSIG, SIGKILL) == 0 && getppid() == parent;
}

/* In the new namespaces. That all is done says the process by stopping, so that it is there until its maps are, too. */
static _Noreturn void furnish(pid_t parent)
{
	if (tie_to(parent) && bring_loopback_up() && open_as("/proc/self/ns/user", HOLDER_SPARE_USERNS) &&
	    open_as("/proc/self/ns/net", HOLDER_SPARE_NETWORK))
		(void)raise(SIGSTOP);
	_exit(1);
}

/* The ids of this user namespace as those of the child's: the kernel wants a line for each extent. */
static bool write_identity(pid_t child, const char *name)
{
	char path[64], text[MAP_TEXT_SIZE];
	unsigned int inside, count;
	size_t used = 0;
	FILE *own;
	int fd;
	bool is_written;

	(void)snprintf(path, sizeof(path), "/proc/self/%s", name);
	own = fopen(path, "re");
	while (own && used < sizeof(text) && fscanf(own, "%u %*u %u", &inside, &count) == 2)
		used += (size_t)snprintf(text + used, sizeof(text) - used, "%u %u %u\n", inside, inside, count);
	if (own)
		(void)fclose(own);
	(void)snprintf(path, sizeof(path), "/proc/%d/%s", (int)child, name);
	fd = open(path, O_WRONLY | O_CLOEXEC);
	is_written = fd >= 0 && used < sizeof(text) && write(fd, text, used) == (ssize_t)used;
	if (fd >= 0)
		(void)close(fd);
	return is_written;
}

/* Shares the holder's descriptors. Dumpable, since the files of a process that is not are root's: proc(5). */
static bool make_spare(pid_t parent)
{
	pid_t own = getpid(), child;
	int status = 0;
	bool is_made;

	if (setns(HOLDER_USERNS, CLONE_NEWUSER) < 0 || !tie_to(parent) || prctl(PR_SET_DUMPABLE, 1) < 0)
		return false;
	child = kernel_clone(CLONE_NEWUSER | CLONE_NEWNET | CLONE_FILES, NULL, -1);
	if (child == 0)
		furnish(own);
	if (child < 0)
		return false;
	is_made = write_identity(child, "uid_map") && write_identity(child, "gid_map") &&
		waitpid(child, &status, WUNTRACED) == child && WIFSTOPPED(status);
	(void)kill(child, SIGKILL);
	(void)waitpid(child, NULL, 0);
	return is_made;
}

void spare_begin(struct spare *spare)
{
	pid_t own = getpid(), child;

	if (spare->ready || spare->maker >= 0)
		return;
	child = kernel_clone(CLONE_FILES, &spare->maker, -1);
	if (child == 0)
		_exit(make_spare(own) ? 0 : 1);
}

void spare_take(struct spare *spare)
{
	siginfo_t end = {0};

	spare->ready = waitid(P_PIDFD, (id_t)spare->maker, &end, WEXITED) == 0 && end.si_code == CLD_EXITED &&
		end.si_status == 0;
	(void)close(spare->maker);
	spare->maker = -1;
	if (!spare->ready)
		spare_forget(spare);
}

void spare_forget(struct spare *spare)
{
	/* Not closed: the numbers are to be no others'. */
	(void)dup2(STDIN_FILENO, HOLDER_SPARE_USERNS);
	(void)dup2(STDIN_FILENO, HOLDER_SPARE_NETWORK);
	spare->ready = false;
}
