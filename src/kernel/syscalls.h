/*
 * System calls that glibc 2.36 has no wrapper for. Each returns as the manual page says: -1 and errno.
 */
#ifndef KERNEL_SYSCALLS_H
#define KERNEL_SYSCALLS_H

#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

/*
 * clone3(2) like fork: no shared memory, the child continues here with 0. `flags` are CLONE_NEW…
 * and CLONE_PARENT; *out_pidfd (when not NULL) receives a close-on-exec pidfd in the parent.
 * `cgroup` is a cgroup v2 directory for CLONE_INTO_CGROUP, or -1.
 */
pid_t kernel_clone(uint64_t flags, int *out_pidfd, int cgroup);

/*
 * Runs function(argument) in a child that shares the memory of this process and has a stack of its own; the result is
 * its exit status. This process stands still until the child has ended or executed a program. `flags` are more of
 * clone(2)'s. The child's pid, or -1.
 */
pid_t kernel_vfork(int (*function)(void *argument), void *argument, int flags);

/* openat2(2). EAGAIN, which RESOLVE_IN_ROOT answers while something is being renamed, is tried again, boundedly. */
int kernel_openat2(int directory, const char *path, uint64_t flags, uint64_t mode, uint64_t resolve);

/* Gives a signal its default action; also the two that glibc keeps to itself, which signal(2) leaves ignored. */
int kernel_signal_default(int number);

/*
 * setgroups(2) to none, setresgid(2) and setresuid(2) to one id, of the calling thread alone, as the kernel does it:
 * glibc's functions wait until every thread of the process has done the same.
 */
int kernel_drop_groups(void);
int kernel_set_gid(gid_t gid);
int kernel_set_uid(uid_t uid);

/* pivot_root(2). */
int kernel_pivot_root(const char *new_root, const char *put_old);

#endif
