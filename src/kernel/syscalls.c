#include "kernel/syscalls.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/openat2.h>
#include <linux/sched.h>
#include <sched.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

enum { OPENAT2_ATTEMPTS = 4096, STACK_SIZE = 1 << 20 };

pid_t kernel_clone(uint64_t flags, int *out_pidfd, int cgroup)
{
	int pidfd = -1;
	struct clone_args arguments = {
		.flags = flags | (out_pidfd ? CLONE_PIDFD : 0) | (cgroup >= 0 ? CLONE_INTO_CGROUP : 0),
		.pidfd = (uint64_t)(uintptr_t)&pidfd,
		/* With CLONE_PARENT the exit signal is the caller's own, and naming one is EINVAL. */
		.exit_signal = flags & CLONE_PARENT ? 0 : SIGCHLD,
		.cgroup = cgroup >= 0 ? (uint64_t)cgroup : 0,
	};
	long pid = syscall(SYS_clone3, &arguments, sizeof(arguments));

	if (pid > 0 && out_pidfd)
		*out_pidfd = pidfd;
	return (pid_t)pid;
}

pid_t kernel_vfork(int (*function)(void *argument), void *argument, int flags)
{
	/* A process that the child makes may go on standing on a copy of it. What is not touched costs nothing. */
	void *stack = mmap(NULL, STACK_SIZE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_STACK, -1, 0);
	pid_t pid;
	int code;

	if (stack == MAP_FAILED)
		return -1;
	pid = clone(function, (char *)stack + STACK_SIZE, CLONE_VM | CLONE_VFORK | SIGCHLD | flags, argument);
	code = errno;
	(void)munmap(stack, STACK_SIZE);
	errno = code;
	return pid;
}

int kernel_openat2(int directory, const char *path, uint64_t flags, uint64_t mode, uint64_t resolve)
{
	struct open_how how = {.flags = flags | O_CLOEXEC, .mode = mode, .resolve = resolve};

	for (int attempt = 1;; attempt++) {
		long fd = syscall(SYS_openat2, directory, path, &how, sizeof(how));

		if (fd >= 0 || (errno != EAGAIN && errno != EINTR) || attempt == OPENAT2_ATTEMPTS)
			return (int)fd;
	}
}

int kernel_drop_groups(void)
{
	return (int)syscall(SYS_setgroups, 0, NULL);
}

int kernel_set_gid(gid_t gid)
{
	return (int)syscall(SYS_setresgid, gid, gid, gid);
}

int kernel_set_uid(uid_t uid)
{
	return (int)syscall(SYS_setresuid, uid, uid, uid);
}

int kernel_pivot_root(const char *new_root, const char *put_old)
{
	return (int)syscall(SYS_pivot_root, new_root, put_old);
}

int kernel_signal_default(int number)
{
	/* What the kernel calls struct sigaction: all zero is SIG_DFL, no flags, an empty mask. */
	static const unsigned long action[4];

	return (int)syscall(SYS_rt_sigaction, number, action, NULL, sizeof(uint64_t));
}
