/*
 * Runs the compiled filters of all machines in a small interpreter of classic BPF, so that the verdicts
 * for i386, x32, aarch64 and arm are seen wherever the test runs, and loads its own into the kernel.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <errno.h>
#include <linux/audit.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <seccomp.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/scope.h"
#include "security/capability.h"
#include "security/seccomp_filter.h"
#include "security/seccomp_rules.h"
#include "bpf_machine.h"

static const uint32_t audit_of[ABI_COUNT] = {
	[ABI_X86_64] = AUDIT_ARCH_X86_64,
	[ABI_I386] = AUDIT_ARCH_I386,
	[ABI_AARCH64] = AUDIT_ARCH_AARCH64,
	[ABI_ARM] = AUDIT_ARCH_ARM,
};

static enum seccomp_machine machine_of(enum seccomp_abi abi)
{
	return abi == ABI_X86_64 || abi == ABI_I386 ? SECCOMP_X86_64 : SECCOMP_AARCH64;
}

/* 0: allowed; else the errno. */
static int verdict(const struct seccomp_program *program, uint32_t audit, uint32_t number, uint64_t first,
	uint64_t second, uint64_t third)
{
	struct seccomp_data data = {.nr = (int)number, .arch = audit, .args = {first, second, third}};
	uint32_t result = bpf_run(program, &data);

	if (result == SECCOMP_RET_ALLOW)
		return 0;
	assert_int_equal(result & SECCOMP_RET_ACTION_FULL, SECCOMP_RET_ERRNO);
	assert_int_not_equal(result & SECCOMP_RET_DATA, 0);
	return (int)(result & SECCOMP_RET_DATA);
}

static struct seccomp_program compile(enum seccomp_abi abi, uint64_t capabilities, bool nesting)
{
	const struct seccomp_policy policy = {.capabilities = capabilities, .nesting = nesting};
	struct seccomp_program program = {0};

	assert_int_equal(seccomp_filter_compile_for(machine_of(abi), &policy, &program, NULL), 0);
	return program;
}

static void numbers_are_the_kernel_s(void **state)
{
	static const uint32_t tokens[ABI_COUNT] = {
		SCMP_ARCH_X86_64, SCMP_ARCH_X86, SCMP_ARCH_AARCH64, SCMP_ARCH_ARM};
	size_t unknown = 0;

	(void)state;
	for (size_t i = 0; i < seccomp_call_count; i++) {
		for (int abi = 0; abi < ABI_COUNT; abi++) {
			const struct seccomp_call *call = &seccomp_calls[i];
			auto_free char *name = NULL;

			if (call->numbers[abi] == SECCOMP_NO_NUMBER)
				continue;
			name = seccomp_syscall_resolve_num_arch(tokens[abi], call->numbers[abi]);
			if (!name) {
				/* A libseccomp of Debian 12 does not know the youngest. */
				if (call->numbers[abi] < 451 && strcmp(call->name, "uretprobe") != 0)
					fail_msg("%s: no call has number %d", call->name, call->numbers[abi]);
				unknown++;
			} else if (strcmp(name, call->name) != 0) {
				fail_msg("number %d of %s is %s", call->numbers[abi], call->name, name);
			}
		}
	}
	assert_true(unknown < 100);
}

/* Every name that any machine has, so that a profile may speak of it. */
static void all_names_are_known(void **state)
{
	static const uint32_t tokens[] = {SCMP_ARCH_X86_64, SCMP_ARCH_X86, SCMP_ARCH_X32, SCMP_ARCH_AARCH64, SCMP_ARCH_ARM,
		SCMP_ARCH_RISCV64, SCMP_ARCH_PPC64LE, SCMP_ARCH_PPC, SCMP_ARCH_S390X, SCMP_ARCH_S390, SCMP_ARCH_MIPS,
		SCMP_ARCH_MIPS64, SCMP_ARCH_MIPS64N32, SCMP_ARCH_PARISC};
	enum { TABLES_END = 8192, PRIVATE_FIRST = 0xf0000, PRIVATE_END = 0xf0010 };

	(void)state;
	for (size_t token = 0; token < array_count(tokens); token++)
		for (int number = 0; number < PRIVATE_END; number++) {
			size_t i = 0;
			auto_free char *name = NULL;

			number = number == TABLES_END ? PRIVATE_FIRST : number;
			name = seccomp_syscall_resolve_num_arch(tokens[token], number);
			while (name && i < seccomp_call_count && strcmp(seccomp_calls[i].name, name) != 0)
				i++;
			if (i == seccomp_call_count)
				fail_msg("%s is missing", name);
		}
}

static void no_number_stands_twice(void **state)
{
	(void)state;
	for (size_t i = 0; i < seccomp_call_count; i++)
		for (size_t j = i + 1; j < seccomp_call_count; j++)
			for (int abi = 0; abi < ABI_COUNT; abi++)
				if (seccomp_calls[i].numbers[abi] != SECCOMP_NO_NUMBER &&
					seccomp_calls[i].numbers[abi] == seccomp_calls[j].numbers[abi])
					fail_msg("%s and %s", seccomp_calls[i].name, seccomp_calls[j].name);
}

static const struct seccomp_call *find_number(enum seccomp_abi abi, int number)
{
	for (size_t i = 0; i < seccomp_call_count; i++)
		if (number >= 0 && seccomp_calls[i].numbers[abi] == number)
			return &seccomp_calls[i];
	return NULL;
}

/* The answer of the default filter when no argument matters; -1 when one does. */
static int expected(const struct seccomp_call *call)
{
	static const int errnos[] = {
		[SECCOMP_ABSENT] = ENOSYS,
		[SECCOMP_ALLOW] = 0,
		[SECCOMP_REFUSE] = EPERM,
		[SECCOMP_PERSONALITY] = -1,
		[SECCOMP_SOCKET] = -1,
		[SECCOMP_IOCTL] = -1,
		[SECCOMP_CLONE] = -1,
		[SECCOMP_UNSHARE] = -1,
	};

	if (!call)
		return ENOSYS;
	return call->class == CALL_CHROOT ? 0 : errnos[seccomp_classes[call->class].action];
}

static void every_number_gets_its_verdict(void **state)
{
	(void)state;
	for (int abi = 0; abi < ABI_COUNT; abi++) {
		struct seccomp_program program = compile((enum seccomp_abi)abi, CAPABILITY_DEFAULT, false);

		for (int number = -16; number < 0xf0100; number++) {
			int wanted = expected(find_number((enum seccomp_abi)abi, number)), got;

			if (number == 4096)
				number = 0xeff00;
			got = verdict(&program, audit_of[abi], (uint32_t)number, 0, 0, 0);
			if (wanted >= 0 && got != wanted)
				fail_msg("architecture %d number %d: %d instead of %d", abi, number, got,
					wanted);
		}
		seccomp_program_finish(&program);
	}
}

/* The same program in every policy is sound, and a right only ever adds. */
static void rights_only_add(void **state)
{
	(void)state;
	for (int right = -1; right < 64; right++) {
		struct seccomp_program least = compile(ABI_X86_64, 0, false);
		struct seccomp_program more = right < 0 ? compile(ABI_X86_64, 0, true)
							: compile(ABI_X86_64, CAPABILITY_BIT(right), false);

		for (uint32_t number = 0; number < 512; number++)
			for (int abi = ABI_X86_64; abi <= ABI_I386; abi++)
				if (verdict(&more, audit_of[abi], number, 1, 0, 0) != 0)
					assert_int_not_equal(
						verdict(&least, audit_of[abi], number, 1, 0, 0), 0);
		seccomp_program_finish(&least);
		seccomp_program_finish(&more);
	}
}

#define HIGH  (UINT64_C(1) << 32)
#define BIT   CAPABILITY_BIT
#define ADMIN BIT(CAP_SYS_ADMIN)

struct row {
	enum seccomp_abi abi;
	uint32_t number;
	uint64_t args[3];
	int errno_wanted; /* 0: allowed */
	uint64_t capabilities;
	bool nesting;
};

static void check_rows(const struct row *rows, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		const struct row *row = &rows[i];
		struct seccomp_program program = compile(row->abi, row->capabilities, row->nesting);
		int got = verdict(
			&program, audit_of[row->abi], row->number, row->args[0], row->args[1], row->args[2]);

		if (got != row->errno_wanted)
			fail_msg("row %zu: architecture %d number %u (%#lx, %#lx, %#lx): %d instead of %d", i,
				row->abi, row->number, (unsigned long)row->args[0],
				(unsigned long)row->args[1], (unsigned long)row->args[2], got,
				row->errno_wanted);
		seccomp_program_finish(&program);
	}
}

static void x32_and_strangers_do_not_exist(void **state)
{
	static const uint32_t strangers[] = {0, AUDIT_ARCH_ARM, AUDIT_ARCH_AARCH64, AUDIT_ARCH_RISCV64,
		AUDIT_ARCH_S390X, AUDIT_ARCH_X86_64 & ~__AUDIT_ARCH_LE, UINT32_MAX};
	struct seccomp_program program = compile(ABI_X86_64, UINT64_MAX, true);

	(void)state;
	for (uint32_t number = 0; number < 1024; number++)
		assert_int_equal(verdict(&program, AUDIT_ARCH_X86_64, 0x40000000 | number, 0, 0, 0), ENOSYS);
	for (size_t i = 0; i < array_count(strangers); i++)
		for (uint32_t number = 0; number < 512; number++)
			assert_int_equal(verdict(&program, strangers[i], number, 0, 0, 0), ENOSYS);
	seccomp_program_finish(&program);
}

static void terminals_are_not_typed_into(void **state)
{
	static const struct row rows[] = {
		{ABI_X86_64, 16, {0, TCGETS}, 0},
		{ABI_X86_64, 16, {0, TIOCSTI}, EPERM},
		{ABI_X86_64, 16, {0, HIGH | TIOCSTI}, EPERM},
		{ABI_X86_64, 16, {0, UINT64_MAX << 32 | TIOCSTI}, EPERM},
		{ABI_X86_64, 16, {0, TIOCLINUX}, EPERM},
		{ABI_X86_64, 16, {0, HIGH << 31 | TIOCLINUX}, EPERM},
		{ABI_X86_64, 16, {0, TIOCSETD}, EPERM},
		{ABI_X86_64, 16, {TIOCSTI, TIOCSTI + 1, TIOCSTI}, 0},
		{ABI_X86_64, 16, {0, TIOCSTI}, EPERM, UINT64_MAX, true},
		{ABI_I386, 54, {0, TIOCSTI}, EPERM},
		{ABI_I386, 54, {0, TIOCLINUX}, EPERM},
		{ABI_I386, 54, {0, TCGETS}, 0},
		{ABI_AARCH64, 29, {0, HIGH | TIOCSTI}, EPERM},
		{ABI_ARM, 54, {0, TIOCSTI}, EPERM},
	};

	(void)state;
	check_rows(rows, array_count(rows));
}

static void socket_families_are_few(void **state)
{
	static const struct row rows[] = {
		{ABI_X86_64, 41, {AF_UNIX, SOCK_STREAM}, 0},
		{ABI_X86_64, 41, {AF_INET, SOCK_STREAM}, 0},
		{ABI_X86_64, 41, {AF_INET6, SOCK_DGRAM}, 0},
		{ABI_X86_64, 41, {HIGH | AF_INET6, SOCK_DGRAM}, 0},
		{ABI_X86_64, 41, {AF_ALG, SOCK_SEQPACKET}, EAFNOSUPPORT},
		{ABI_X86_64, 41, {HIGH | AF_ALG, SOCK_SEQPACKET}, EAFNOSUPPORT},
		{ABI_X86_64, 41, {AF_VSOCK, SOCK_STREAM}, EAFNOSUPPORT},
		{ABI_X86_64, 41, {AF_PACKET, SOCK_RAW}, EAFNOSUPPORT},
		{ABI_X86_64, 41, {AF_PACKET, SOCK_RAW}, 0, BIT(CAP_NET_RAW)},
		{ABI_X86_64, 41, {AF_XDP, SOCK_RAW}, EAFNOSUPPORT, UINT64_MAX, true},
		{ABI_X86_64, 41, {AF_BLUETOOTH, SOCK_RAW}, EAFNOSUPPORT, UINT64_MAX, true},
		{ABI_X86_64, 41, {AF_VSOCK, SOCK_STREAM}, EAFNOSUPPORT, UINT64_MAX, true},
		{ABI_X86_64, 41, {AF_UNSPEC, SOCK_STREAM}, EAFNOSUPPORT},
		{ABI_X86_64, 41, {UINT32_MAX, SOCK_STREAM}, EAFNOSUPPORT},
		{ABI_X86_64, 41, {AF_NETLINK, SOCK_RAW, 0}, 0},               /* route */
		{ABI_X86_64, 41, {AF_NETLINK, SOCK_RAW, 4}, 0},               /* sock_diag */
		{ABI_X86_64, 41, {AF_NETLINK, SOCK_RAW, 16}, 0},              /* generic */
		{ABI_X86_64, 41, {AF_NETLINK, SOCK_RAW, 9}, EPROTONOSUPPORT}, /* audit */
		{ABI_X86_64, 41, {AF_NETLINK, SOCK_RAW, HIGH | 9}, EPROTONOSUPPORT},
		{ABI_X86_64, 41, {AF_NETLINK, SOCK_RAW, 9}, 0, BIT(CAP_AUDIT_WRITE)},
		{ABI_X86_64, 41, {AF_NETLINK, SOCK_RAW, 12}, EPROTONOSUPPORT}, /* netfilter */
		{ABI_X86_64, 41, {AF_NETLINK, SOCK_RAW, 12}, 0, BIT(CAP_NET_ADMIN)},
		{ABI_X86_64, 41, {AF_NETLINK, SOCK_RAW, 21}, EPROTONOSUPPORT, UINT64_MAX, true}, /* crypto */
		{ABI_X86_64, 53, {AF_UNIX, SOCK_STREAM}, 0}, /* socketpair */
		{ABI_X86_64, 53, {AF_VSOCK, SOCK_STREAM}, EAFNOSUPPORT},
		{ABI_I386, 359, {AF_INET, SOCK_STREAM}, 0},
		{ABI_I386, 359, {AF_ALG, SOCK_SEQPACKET}, EAFNOSUPPORT},
		{ABI_I386, 360, {AF_VSOCK, SOCK_STREAM}, EAFNOSUPPORT},
		{ABI_I386, 102, {1}, ENOSYS}, /* socketcall: socket */
		{ABI_I386, 102, {1}, ENOSYS, UINT64_MAX, true},
		{ABI_I386, 117, {0}, ENOSYS}, /* ipc */
		{ABI_AARCH64, 198, {AF_ALG, SOCK_SEQPACKET}, EAFNOSUPPORT},
		{ABI_ARM, 281, {AF_VSOCK, SOCK_STREAM}, EAFNOSUPPORT},
	};

	(void)state;
	check_rows(rows, array_count(rows));
}

static void no_namespaces_within(void **state)
{
	static const uint32_t flags[] = {0x00020000, 0x02000000, 0x04000000, 0x08000000, 0x10000000,
		0x20000000, 0x40000000}; /* mount, cgroup, uts, ipc, user, pid, net */
	static const struct row rows[] = {
		{ABI_X86_64, 56, {0x01200011}, 0}, /* clone, as fork does it */
		{ABI_X86_64, 56, {0x003d0f00}, 0}, /* clone, as pthread_create does it */
		{ABI_X86_64, 56, {0x80 | 17}, 0},  /* no CLONE_NEWTIME here: part of the signal */
		{ABI_X86_64, 272, {0x200}, 0},     /* unshare: CLONE_FS */
		{ABI_X86_64, 272, {0x80}, EPERM},  /* unshare: CLONE_NEWTIME */
		{ABI_X86_64, 272, {0x80}, 0, 0, true},
		{ABI_X86_64, 435, {0}, ENOSYS}, /* clone3 */
		{ABI_X86_64, 435, {0}, 0, 0, true},
		{ABI_X86_64, 435, {0}, 0, ADMIN},
		{ABI_I386, 435, {0}, ENOSYS},
		{ABI_AARCH64, 435, {0}, ENOSYS},
		{ABI_X86_64, 308, {0}, EPERM}, /* setns */
		{ABI_I386, 346, {0}, EPERM},
		{ABI_X86_64, 165, {0}, EPERM}, /* mount */
		{ABI_X86_64, 165, {0}, 0, ADMIN},
		{ABI_X86_64, 165, {0}, 0, 0, true},
		{ABI_I386, 21, {0}, EPERM},
		{ABI_X86_64, 166, {0}, EPERM}, /* umount2 */
		{ABI_I386, 22, {0}, EPERM},    /* umount */
		{ABI_X86_64, 155, {0}, EPERM}, /* pivot_root */
		{ABI_X86_64, 428, {0}, EPERM}, /* open_tree */
		{ABI_X86_64, 429, {0}, EPERM}, /* move_mount */
		{ABI_X86_64, 430, {0}, EPERM}, /* fsopen */
		{ABI_X86_64, 431, {0}, EPERM}, /* fsconfig */
		{ABI_X86_64, 432, {0}, EPERM}, /* fsmount */
		{ABI_X86_64, 433, {0}, EPERM}, /* fspick */
		{ABI_X86_64, 442, {0}, EPERM}, /* mount_setattr */
		{ABI_X86_64, 467, {0}, EPERM}, /* open_tree_attr */
		{ABI_I386, 442, {0}, EPERM},
		{ABI_X86_64, 161, {0}, EPERM}, /* chroot without its capability */
		{ABI_X86_64, 161, {0}, 0, BIT(CAP_SYS_CHROOT)},
	};

	(void)state;
	check_rows(rows, array_count(rows));
	for (size_t i = 0; i < array_count(flags); i++) {
		const struct row each[] = {
			{ABI_X86_64, 56, {flags[i] | 17}, EPERM},
			{ABI_X86_64, 56, {HIGH | flags[i]}, EPERM},
			{ABI_X86_64, 56, {flags[i] | 17}, 0, ADMIN},
			{ABI_X86_64, 56, {flags[i] | 17}, 0, 0, true},
			{ABI_X86_64, 272, {flags[i]}, EPERM},
			{ABI_X86_64, 272, {HIGH | flags[i]}, EPERM},
			{ABI_I386, 120, {flags[i] | 17}, EPERM},
			{ABI_I386, 310, {flags[i]}, EPERM},
			{ABI_AARCH64, 220, {flags[i] | 17}, EPERM},
			{ABI_AARCH64, 97, {flags[i]}, EPERM},
			{ABI_ARM, 120, {flags[i] | 17}, EPERM},
			{ABI_ARM, 337, {flags[i]}, EPERM},
		};

		check_rows(each, array_count(each));
	}
}

static void the_kernel_s_dark_corners_are_shut(void **state)
{
	static const struct row rows[] = {
		/* Keys and io_uring look as if the kernel had none, whatever the capabilities. */
		{ABI_X86_64, 248, {0}, ENOSYS},                   /* add_key */
		{ABI_X86_64, 249, {0}, ENOSYS},                   /* request_key */
		{ABI_X86_64, 250, {0}, ENOSYS, UINT64_MAX, true}, /* keyctl */
		{ABI_I386, 286, {0}, ENOSYS},
		{ABI_I386, 287, {0}, ENOSYS},
		{ABI_I386, 288, {0}, ENOSYS},
		{ABI_AARCH64, 219, {0}, ENOSYS},
		{ABI_X86_64, 425, {0}, ENOSYS, UINT64_MAX, true}, /* io_uring_setup */
		{ABI_X86_64, 426, {0}, ENOSYS},
		{ABI_I386, 427, {0}, ENOSYS},
		{ABI_X86_64, 323, {0}, EPERM, UINT64_MAX, true}, /* userfaultfd */
		{ABI_I386, 374, {0}, EPERM},
		{ABI_X86_64, 321, {0}, EPERM}, /* bpf */
		{ABI_X86_64, 321, {0}, 0, BIT(CAP_BPF)},
		{ABI_I386, 357, {0}, EPERM},
		{ABI_X86_64, 298, {0}, EPERM}, /* perf_event_open */
		{ABI_I386, 336, {0}, EPERM},
		{ABI_X86_64, 246, {0}, EPERM, UINT64_MAX, true}, /* kexec_load */
		{ABI_X86_64, 320, {0}, EPERM, UINT64_MAX, true}, /* kexec_file_load */
		{ABI_X86_64, 175, {0}, EPERM, UINT64_MAX, true}, /* init_module */
		{ABI_X86_64, 313, {0}, EPERM, UINT64_MAX, true}, /* finit_module */
		{ABI_X86_64, 176, {0}, EPERM, UINT64_MAX, true}, /* delete_module */
		{ABI_I386, 128, {0}, EPERM},
		{ABI_I386, 350, {0}, EPERM},
		{ABI_X86_64, 304, {0}, EPERM}, /* open_by_handle_at */
		{ABI_X86_64, 304, {0}, 0, BIT(CAP_DAC_READ_SEARCH)},
		{ABI_I386, 342, {0}, EPERM},
		{ABI_X86_64, 103, {3}, EPERM}, /* syslog */
		{ABI_I386, 103, {3}, EPERM},
		{ABI_X86_64, 179, {0}, EPERM},                   /* quotactl */
		{ABI_X86_64, 443, {0}, EPERM},                   /* quotactl_fd */
		{ABI_X86_64, 163, {0}, EPERM},                   /* acct */
		{ABI_X86_64, 167, {0}, EPERM},                   /* swapon */
		{ABI_X86_64, 172, {3}, EPERM, UINT64_MAX, true}, /* iopl */
		{ABI_X86_64, 169, {0}, EPERM},                   /* reboot */
		{ABI_X86_64, 300, {0}, EPERM},                   /* fanotify_init */
		{ABI_X86_64, 278, {0}, EPERM},                   /* vmsplice */
		{ABI_X86_64, 312, {0}, EPERM},                   /* kcmp */
		{ABI_X86_64, 312, {0}, 0, BIT(CAP_SYS_PTRACE)},
		{ABI_X86_64, 101, {0}, 0},      /* ptrace */
		{ABI_X86_64, 154, {0}, ENOSYS}, /* modify_ldt */
		{ABI_I386, 113, {0}, ENOSYS},   /* vm86old */
		{ABI_X86_64, 470, {0}, ENOSYS, UINT64_MAX, true},
		{ABI_X86_64, 333, {0}, 0}, /* io_pgetevents */
		{ABI_X86_64, 337, {0}, ENOSYS},
	};

	(void)state;
	check_rows(rows, array_count(rows));
}

static void personalities_are_harmless(void **state)
{
	static const struct row rows[] = {
		{ABI_X86_64, 135, {0}, 0},
		{ABI_X86_64, 135, {0xffffffff}, 0},
		{ABI_X86_64, 135, {UINT64_MAX}, 0},
		{ABI_X86_64, 135, {8}, 0},
		{ABI_X86_64, 135, {0x20008}, 0},
		{ABI_X86_64, 135, {0x40000}, 0},      /* ADDR_NO_RANDOMIZE */
		{ABI_X86_64, 135, {0x400000}, EPERM}, /* READ_IMPLIES_EXEC */
		{ABI_X86_64, 135, {0x440000}, EPERM},
		{ABI_X86_64, 135, {HIGH | 0x400000}, EPERM},
		{ABI_X86_64, 135, {0x100000}, EPERM}, /* MMAP_PAGE_ZERO */
		{ABI_X86_64, 135, {0x200000}, EPERM}, /* ADDR_COMPAT_LAYOUT */
		{ABI_X86_64, 135, {0xfffffffe}, EPERM},
		{ABI_X86_64, 135, {1}, EPERM},
		{ABI_I386, 136, {0x400000}, EPERM},
		{ABI_I386, 136, {8}, 0},
		{ABI_AARCH64, 92, {0x400000}, EPERM},
	};

	(void)state;
	check_rows(rows, array_count(rows));
}

#ifdef __x86_64__
/* A system call of i386, from a 64-bit program. */
static long int_0x80(long number, long first, long second)
{
	long result;

	__asm__ volatile("int $0x80"
			 : "=a"(result)
			 : "a"(number), "b"(first), "c"(second), "d"(0L)
			 : "memory", "r8", "r9", "r10", "r11");
	return result;
}
#endif

static bool fails_with(long result, int code)
{
	return result < 0 && errno == code;
}

static int use_loaded_filter(void)
{
	const struct seccomp_policy policy = {.capabilities = CAPABILITY_DEFAULT};
	auto_finish(seccomp_program_finish) struct seccomp_program program = {0};

	if (seccomp_filter_compile(&policy, &program, NULL) < 0)
		return 1;
	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0 || seccomp_program_load(&program, NULL) < 0)
		return 2;
	if (prctl(PR_GET_SECCOMP, 0, 0, 0, 0) != SECCOMP_MODE_FILTER)
		return 3;
	if (getppid() < 0 || !fails_with(syscall(SYS_unshare, 0x10000000), EPERM) ||
		!fails_with(syscall(SYS_clone3, NULL, 0), ENOSYS) ||
		!fails_with(syscall(SYS_keyctl, 0, 0, 0), ENOSYS))
		return 4;
	if (!fails_with(socket(AF_ALG, SOCK_SEQPACKET, 0), EAFNOSUPPORT) ||
		socket(AF_UNIX, SOCK_STREAM, 0) < 0)
		return 5;
	if (!fails_with(ioctl(0, TIOCSTI, "x"), EPERM) || !fails_with(syscall(10000), ENOSYS))
		return 6;
	if (!fails_with(syscall(SYS_ioctl, 0, UINT64_C(0xdeadbeef00000000) | TIOCSTI, "x"), EPERM))
		return 7;
#ifdef __x86_64__
	if (!fails_with(syscall(0x40000000 | SYS_getppid), ENOSYS))
		return 8;
	/* Kernels without CONFIG_IA32_EMULATION have nothing to filter. */
	if (int_0x80(20, 0, 0) == getpid() &&
		(int_0x80(102, 1, 0) != -ENOSYS || int_0x80(359, AF_ALG, SOCK_SEQPACKET) != -EAFNOSUPPORT ||
			int_0x80(310, 0x10000000, 0) != -EPERM || int_0x80(54, 0, TIOCSTI) != -EPERM))
		return 9;
#endif
	return 0;
}

static void the_kernel_agrees(void **state)
{
	int status;
	pid_t child = fork();

	(void)state;
	if (child == 0)
		_exit(use_loaded_filter());
	assert_int_equal(waitpid(child, &status, 0), child);
	assert_int_equal(status, 0);
}

static void loading_without_the_right_is_an_error(void **state)
{
	int status;
	pid_t child = fork();

	(void)state;
	if (child == 0) {
		const struct sock_filter nonsense = BPF_STMT(BPF_RET | BPF_X, 0);
		struct seccomp_program program = {.items = (struct sock_filter *)&nonsense, .count = 1};
		struct sandbox_error error = {0};

		(void)prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
		_exit(seccomp_program_load(&program, &error) == -EINVAL && error.code == EINVAL ? 0 : 1);
	}
	assert_int_equal(waitpid(child, &status, 0), child);
	assert_int_equal(status, 0);
}

static void the_summary_counts(void **state)
{
	const struct seccomp_policy plain = {.capabilities = CAPABILITY_DEFAULT}, nesting = {.nesting = true};
	unsigned int few, many, by_argument;
	char text[160];

	(void)state;
	assert_int_equal(sscanf(seccomp_filter_format(&plain, text, sizeof(text)),
				 "%u system calls allowed, %u of them by argument", &few, &by_argument),
		2);
	assert_int_equal(by_argument, 6);
	assert_int_equal(sscanf(seccomp_filter_format(&nesting, text, sizeof(text)), "%u system", &many), 1);
	assert_true(few > 250 && many > few);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(numbers_are_the_kernel_s),
		cmocka_unit_test(all_names_are_known),
		cmocka_unit_test(no_number_stands_twice),
		cmocka_unit_test(every_number_gets_its_verdict),
		cmocka_unit_test(rights_only_add),
		cmocka_unit_test(x32_and_strangers_do_not_exist),
		cmocka_unit_test(terminals_are_not_typed_into),
		cmocka_unit_test(socket_families_are_few),
		cmocka_unit_test(no_namespaces_within),
		cmocka_unit_test(the_kernel_s_dark_corners_are_shut),
		cmocka_unit_test(personalities_are_harmless),
		cmocka_unit_test(the_kernel_agrees),
		cmocka_unit_test(loading_without_the_right_is_an_error),
		cmocka_unit_test(the_summary_counts),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
