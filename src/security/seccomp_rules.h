/* The table of system calls (seccomp_calls.c) and of their classes (seccomp_rules.c), as seccomp_filter.c reads them. */
#ifndef SECURITY_SECCOMP_RULES_H
#define SECURITY_SECCOMP_RULES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* What the filter does with a call. */
enum seccomp_action {
	SECCOMP_ABSENT, /* ENOSYS */
	SECCOMP_ALLOW,
	SECCOMP_REFUSE,  /* EPERM */
	SECCOMP_SOCKET,  /* by address family and netlink protocol */
	SECCOMP_IOCTL,   /* all but a few requests */
	SECCOMP_CLONE,   /* no new namespaces */
	SECCOMP_UNSHARE, /* no new namespaces */
	SECCOMP_PERSONALITY,
};

/* Why a call is treated as it is. */
enum seccomp_class {
	CALL_ALLOWED,
	CALL_SOCKET,
	CALL_TERMINAL,
	CALL_CLONE,
	CALL_UNSHARE,
	CALL_CLONE3,
	CALL_PERSONALITY,
	CALL_NAMESPACE,
	CALL_MOUNT_LIST,
	CALL_CHROOT,
	CALL_REBOOT,
	CALL_KERNEL_LOG,
	CALL_FILE_HANDLE,
	CALL_OTHER_PROCESS,
	CALL_NUMA,
	CALL_FANOTIFY,
	CALL_BPF,
	CALL_PERFORMANCE,
	CALL_KEYS,
	CALL_IO_URING,
	CALL_USERFAULTFD,
	CALL_KERNEL,
	CALL_MULTIPLEXER,
	CALL_UNUSED,
	CALL_CLASSES
};

struct seccomp_class_rule {
	enum seccomp_action action;
	uint64_t capabilities; /* any of these allows the class outright */
	bool nesting;          /* --nesting does so, too */
	const char *defence;   /* the name under which the test build removes it */
};

extern const struct seccomp_class_rule seccomp_classes[CALL_CLASSES];

/* The columns of numbers. */
enum seccomp_abi { ABI_X86_64, ABI_I386, ABI_AARCH64, ABI_ARM, ABI_COUNT };

enum { SECCOMP_NO_NUMBER = -1 };

/* A processor's pair of system call tables. */
enum seccomp_machine {
	SECCOMP_X86_64,  /* and i386 */
	SECCOMP_AARCH64, /* and arm */
	SECCOMP_MACHINES
};

#if defined(__x86_64__) || defined(__i386__)
#define SECCOMP_OWN_MACHINE SECCOMP_X86_64
#elif defined(__aarch64__) || defined(__arm__)
#define SECCOMP_OWN_MACHINE SECCOMP_AARCH64
#else
#error "seccomp_calls.c has no column for this architecture: add one, and its row of seccomp_machines"
#endif

struct seccomp_architecture {
	enum seccomp_abi column;
	uint32_t audit; /* AUDIT_ARCH_… */
	const char *name;
};

/* Each machine's own architecture and the 32-bit one that it can also run. */
extern const struct seccomp_architecture seccomp_machines[SECCOMP_MACHINES][2];

struct seccomp_call {
	const char *name;
	enum seccomp_class class;
	int numbers[ABI_COUNT]; /* SECCOMP_NO_NUMBER where the architecture has no such call */
};

extern const struct seccomp_call seccomp_calls[];
extern const size_t seccomp_call_count;

#endif
