#include "importer/confine.h"

#include <errno.h>
#include <limits.h>
#include <linux/audit.h>
#include <linux/capability.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <sched.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/scope.h"
#include "base/test_switch.h"

/* DAC_OVERRIDE: directories of any mode are written into. FSETID, SETFCAP: set-id bits, file capabilities. */
static const unsigned int capabilities[] = {CAP_CHOWN, CAP_DAC_OVERRIDE, CAP_FOWNER, CAP_FSETID, CAP_SETFCAP};

static const unsigned int system_calls[] = {
	/* The archive, the report, the tree. */
	SYS_read, SYS_write, SYS_readv, SYS_writev, SYS_pread64, SYS_pwrite64, SYS_lseek, SYS_close, SYS_fstat,
	SYS_newfstatat, SYS_statx, SYS_fcntl, SYS_recvfrom, SYS_sendto, SYS_recvmsg, SYS_openat, SYS_openat2, SYS_mkdirat,
	SYS_mknodat, SYS_linkat, SYS_symlinkat, SYS_unlinkat, SYS_fchmod, SYS_fchown, SYS_fchownat, SYS_utimensat,
	SYS_ftruncate, SYS_fgetxattr, SYS_fsetxattr, SYS_fremovexattr, SYS_fstatfs,
	/* Memory and threads. clone(2) is looked at below; clone3(2) cannot be, and libc does without. */
	SYS_mmap, SYS_munmap, SYS_mremap, SYS_mprotect, SYS_madvise, SYS_brk, SYS_futex, SYS_set_robust_list,
	SYS_rseq, SYS_rt_sigaction, SYS_rt_sigprocmask, SYS_rt_sigreturn, SYS_sched_yield, SYS_restart_syscall,
	SYS_exit, SYS_exit_group,
	/* Harmless questions, and what ends a process that found itself damaged. */
	SYS_getpid, SYS_gettid, SYS_geteuid, SYS_getegid, SYS_clock_gettime, SYS_gettimeofday, SYS_getrandom,
	SYS_sysinfo, SYS_sched_getaffinity,
};

#if defined(__x86_64__)
enum { AUDIT_ARCH_NATIVE = AUDIT_ARCH_X86_64 };
#elif defined(__aarch64__)
enum { AUDIT_ARCH_NATIVE = AUDIT_ARCH_AARCH64 };
#else
#error "name the architecture for seccomp(2)"
#endif

enum {
	CLONE_NAMESPACES = CLONE_NEWNS | CLONE_NEWCGROUP | CLONE_NEWUTS | CLONE_NEWIPC | CLONE_NEWUSER | CLONE_NEWPID |
		CLONE_NEWNET,
	FIXED_INSTRUCTIONS = 15,
};

static int confine_failed(const char *doing, struct sandbox_error *error)
{
	return error_set(error, errno, "confine the importer: %s", doing);
}

static int compare_numbers(const void *left, const void *right)
{
	return *(const int *)left - *(const int *)right;
}

/* Closes what a careless parent passed on: the descriptors between and above those that are needed. */
static int close_others(const int *kept, size_t count, struct sandbox_error *error)
{
	unsigned int first = 3;
	int sorted[8] = {0};

	for (size_t i = 0; i < count; i++)
		sorted[i] = kept[i];
	qsort(sorted, count, sizeof(sorted[0]), compare_numbers);
	for (size_t i = 0; i < count; i++) {
		if (sorted[i] < (int)first)
			continue;
		if (sorted[i] > (int)first && close_range(first, (unsigned int)sorted[i] - 1, 0) < 0)
			return confine_failed("close descriptors", error);
		first = (unsigned int)sorted[i] + 1;
	}
	return close_range(first, UINT_MAX, 0) < 0 ? confine_failed("close descriptors", error) : 0;
}

static int drop_capabilities(struct sandbox_error *error)
{
	struct __user_cap_header_struct header = {.version = _LINUX_CAPABILITY_VERSION_3};
	struct __user_cap_data_struct data[_LINUX_CAPABILITY_U32S_3] = {{0}};

	for (size_t i = 0; i < array_count(capabilities); i++) {
		uint32_t bit = 1u << (capabilities[i] % 32);

		data[capabilities[i] / 32].effective |= bit;
		data[capabilities[i] / 32].permitted |= bit;
	}
	return syscall(SYS_capset, &header, data) < 0 ? confine_failed("drop capabilities", error) : 0;
}

/* seccomp(2): one comparison for each call; the few that are made often come first. */
static int filter_system_calls(struct sandbox_error *error)
{
	struct sock_filter program[array_count(system_calls) * 2 + FIXED_INSTRUCTIONS] = {
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, arch)),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, AUDIT_ARCH_NATIVE, 1, 0),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_KILL_PROCESS),
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
	};
	struct sock_fprog filter = {.len = 4, .filter = program};

	for (size_t i = 0; i < array_count(system_calls); i++) {
		program[filter.len++] = (struct sock_filter)BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, system_calls[i], 0, 1);
		program[filter.len++] = (struct sock_filter)BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW);
	}
	/* abort(3) must work; others of the same user are not to be signalled. tgkill(2) takes an int: the low word. */
	program[filter.len++] = (struct sock_filter)BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_tgkill, 0, 4);
	program[filter.len++] = (struct sock_filter)BPF_STMT(BPF_LD | BPF_W | BPF_ABS,
		offsetof(struct seccomp_data, args[0]));
	program[filter.len++] = (struct sock_filter)BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, (uint32_t)getpid(), 0, 1);
	program[filter.len++] = (struct sock_filter)BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW);
	program[filter.len++] = (struct sock_filter)BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | EPERM);
	program[filter.len++] = (struct sock_filter)BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_clone, 0, 3);
	program[filter.len++] = (struct sock_filter)BPF_STMT(BPF_LD | BPF_W | BPF_ABS,
		offsetof(struct seccomp_data, args[0]));
	program[filter.len++] = (struct sock_filter)BPF_JUMP(BPF_JMP | BPF_JSET | BPF_K, CLONE_NAMESPACES, 1, 0);
	program[filter.len++] = (struct sock_filter)BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW);
	program[filter.len++] = (struct sock_filter)BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | ENOSYS);

	if (prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &filter, 0, 0) < 0)
		return confine_failed("filter system calls", error);
	return 0;
}

int confine(int root, const int *kept, size_t count, struct sandbox_error *error)
{
	int result;

	if (test_defence_removed("importer-confined"))
		return 0;
	result = close_others(kept, count, error);
	if (result < 0)
		return result;
	if (fchdir(root) < 0 || chroot(".") < 0)
		return confine_failed("change the root directory", error);
	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0)
		return confine_failed("set no_new_privs", error);
	result = drop_capabilities(error);
	if (result < 0)
		return result;
#ifdef SANDBOX_SANITIZED
	/* Its run time opens /proc/self/maps and more when it has something to say. */
	return 0;
#endif
	return filter_system_calls(error);
}
