/*
 * What becomes of each class of system calls, and why.
 *
 * A class opens by a capability only where that capability, held in a user namespace, can make the
 * call succeed. What asks for a privilege on the host stays shut: it could only fail anyway, and shut
 * it is less of the kernel to attack.
 */
#include "security/seccomp_rules.h"

#include "security/capability.h"

#define SYS_ADMIN CAPABILITY_BIT(CAP_SYS_ADMIN)

const struct seccomp_class_rule seccomp_classes[CALL_CLASSES] = {
	[CALL_ALLOWED] = {SECCOMP_ALLOW},
	[CALL_SOCKET] = {SECCOMP_SOCKET, .defence = "socket-families"},
	[CALL_TERMINAL] = {SECCOMP_IOCTL, .defence = "tiocsti"},
	[CALL_CLONE] = {SECCOMP_CLONE, SYS_ADMIN, true, "namespace-calls"},
	[CALL_UNSHARE] = {SECCOMP_UNSHARE, SYS_ADMIN, true, "namespace-calls"},
	/* Its flags lie in memory. A libc that gets ENOSYS calls clone(2), whose flags we see. */
	[CALL_CLONE3] = {SECCOMP_ABSENT, SYS_ADMIN, true, "namespace-calls"},
	/* READ_IMPLIES_EXEC, MMAP_PAGE_ZERO and ADDR_COMPAT_LAYOUT weaken what the kernel defends. */
	[CALL_PERSONALITY] = {SECCOMP_PERSONALITY, .defence = "personality"},
	[CALL_NAMESPACE] = {SECCOMP_REFUSE, SYS_ADMIN, true, "namespace-calls"},
	[CALL_MOUNT_LIST] = {SECCOMP_ABSENT, SYS_ADMIN, true, "namespace-calls"},
	[CALL_CHROOT] = {SECCOMP_REFUSE, CAPABILITY_BIT(CAP_SYS_CHROOT), true, "chroot"},
	[CALL_REBOOT] = {SECCOMP_REFUSE, CAPABILITY_BIT(CAP_SYS_BOOT), .defence = "reboot"},
	/* The host's log: with kernel.dmesg_restrict=0 anybody may read it. */
	[CALL_KERNEL_LOG] = {SECCOMP_REFUSE, CAPABILITY_BIT(CAP_SYSLOG), .defence = "kernel-log"},
	/* Handles reach every file of a file system, also those outside of the root. */
	[CALL_FILE_HANDLE] = {SECCOMP_REFUSE, CAPABILITY_BIT(CAP_DAC_READ_SEARCH), .defence = "file-handles"},
	[CALL_OTHER_PROCESS] = {SECCOMP_REFUSE, CAPABILITY_BIT(CAP_SYS_PTRACE), .defence = "other-processes"},
	[CALL_NUMA] = {SECCOMP_REFUSE, CAPABILITY_BIT(CAP_SYS_NICE), .defence = "numa"},
	[CALL_FANOTIFY] = {SECCOMP_REFUSE, SYS_ADMIN, .defence = "fanotify"},
	[CALL_BPF] = {SECCOMP_REFUSE, SYS_ADMIN | CAPABILITY_BIT(CAP_BPF), .defence = "bpf"},
	[CALL_PERFORMANCE] = {SECCOMP_REFUSE, SYS_ADMIN | CAPABILITY_BIT(CAP_PERFMON), .defence = "perf"},
	/* As a kernel without keys answers, which every program knows how to live with. */
	[CALL_KEYS] = {SECCOMP_ABSENT, .defence = "key-calls"},
	[CALL_IO_URING] = {SECCOMP_ABSENT, .defence = "io-uring"},
	/* Stops the kernel in the middle of a copy, which is what many an exploit needs. */
	[CALL_USERFAULTFD] = {SECCOMP_REFUSE, .defence = "userfaultfd"},
	[CALL_KERNEL] = {SECCOMP_REFUSE, .defence = "kernel-calls"},
	[CALL_MULTIPLEXER] = {SECCOMP_ABSENT, .defence = "multiplexers"},
	[CALL_UNUSED] = {SECCOMP_ABSENT, .defence = "seccomp-unknown"},
};
