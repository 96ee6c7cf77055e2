/*
 * The other two system call tables of an x86-64 kernel: i386, by int $0x80, whose arguments are 32 bits
 * wide (so everything pointed to lies below 4 GiB), and x32, the native numbers with bit 30 set. Every
 * call whose arguments a filter looks at is made here again: a filter that knows x86-64 alone, or
 * that does not see through socketcall(2), is none.
 */
#include "probe.h"

#ifdef __x86_64__

#include <errno.h>
#include <fcntl.h>
#include <linux/io_uring.h>
#include <linux/keyctl.h>
#include <linux/quota.h>
#include <sched.h>
#include <signal.h>
#include <stdint.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/personality.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

/* Numbers of i386: arch/x86/entry/syscalls/syscall_32.tbl. */
enum i386_number {
	I386_GETPID = 20,
	I386_MOUNT = 21,
	I386_STIME = 25,
	I386_UMOUNT2 = 52,
	I386_IOCTL = 54,
	I386_SWAPON = 87,
	I386_REBOOT = 88,
	I386_SOCKETCALL = 102,
	I386_IOPL = 110,
	I386_IPC = 117,
	I386_CLONE = 120,
	I386_INIT_MODULE = 128,
	I386_QUOTACTL = 131,
	I386_PERSONALITY = 136,
	I386_PIVOT_ROOT = 217,
	I386_CLOCK_SETTIME = 264,
	I386_KEXEC_LOAD = 283,
	I386_ADD_KEY = 286,
	I386_REQUEST_KEY = 287,
	I386_KEYCTL = 288,
	I386_UNSHARE = 310,
	I386_PERF_EVENT_OPEN = 336,
	I386_NAME_TO_HANDLE_AT = 341,
	I386_OPEN_BY_HANDLE_AT = 342,
	I386_SETNS = 346,
	I386_BPF = 357,
	I386_SOCKET = 359,
	I386_USERFAULTFD = 374,
	I386_CLOCK_SETTIME64 = 404,
	I386_IO_URING_SETUP = 425,
	I386_OPEN_TREE = 428,
	I386_FSOPEN = 430,
	I386_CLONE3 = 435,
	I386_MOUNT_SETATTR = 442,
	I386_UNKNOWN = 1000,
};

enum { SOCKETCALL_SOCKET = 1,
	IPC_SHMGET = 23,
	X32_BIT = 0x40000000,
	BAD_FLAGS = 0x7f000000 };

/* What the arguments point to: one page below 4 GiB. */
struct low {
	uint32_t socketcall[3];
	int32_t bad_time[2];
	int64_t bad_time64[2];
	uint64_t clone_args[8];
	char tmpfs[8], tmp[8], user[8], probe[8], nowhere[16], byte[8];
	struct io_uring_params ring;
	uint32_t handle[40], large_handle[40];
	char zeros[1024];
};

static struct low *low_page(void)
{
	struct low *low = mmap(
		NULL, sizeof(*low), PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_32BIT, -1, 0);

	if (low == MAP_FAILED)
		return NULL;
	low->bad_time[1] = low->bad_time64[1] = -1;
	low->clone_args[0] = CLONE_NEWUSER;
	low->clone_args[4] = SIGCHLD;
	low->handle[0] = 128;
	low->large_handle[0] = 1000;
	strcpy(low->tmpfs, "tmpfs");
	strcpy(low->tmp, "/tmp");
	strcpy(low->user, "user");
	strcpy(low->probe, "probe");
	strcpy(low->nowhere, "/nonexistent");
	return low;
}

/* Arguments are numbers, or offsets into the page, marked. */
#define IN_PAGE(member) ((long)(offsetof(struct low, member) | (1L << 40)))

static long i386_call(long number, const uint32_t argument[5])
{
	long result = number;

	/* The kernel of the 64-bit side may clear r8 to r11 on this way. */
	__asm__ volatile("int $0x80"
			 : "+a"(result)
			 : "b"((long)argument[0]), "c"((long)argument[1]), "d"((long)argument[2]),
			 "S"((long)argument[3]), "D"((long)argument[4])
			 : "memory", "cc", "r8", "r9", "r10", "r11");
	return (int32_t)result;
}

static long i386_run(struct low *low, const struct call *call)
{
	uint32_t argument[5];

	for (int i = 0; i < 5; i++) {
		long value = call->arguments[i];

		argument[i] =
			(uint32_t)(value >> 40 == 1 ? (uintptr_t)low + (value & 0xffff) : (uintptr_t)value);
	}
	return i386_call(call->number, argument);
}

/* A call of the clone family comes back twice when it is let through. */
static bool is_clone(const struct call *call)
{
	return call->number == I386_CLONE || call->number == I386_CLONE3;
}

/*
 * A kernel without the table kills whoever uses it; user-mode-linux takes the number for one of its own
 * table, where it means something else.
 */
static bool has_table(struct probe *probe)
{
	static const struct call own_pid = {I386_GETPID, {0}};
	struct low *low = low_page();
	bool has = low && i386_run(low, &own_pid) == getpid();

	if (!has)
		answer(probe, "no such table");
	return has;
}

static void i386(struct probe *probe)
{
	const struct call *call = probe->check->argument;
	struct low *low = low_page();
	long result = -ENOMEM;

	if (!has_table(probe))
		return;
	if (low)
		result = i386_run(low, call);
	if (result == 0 && is_clone(call))
		_exit(0);
	errno = (int)-result;
	answer_result(probe, result);
}

static void i386_socketcall(struct probe *probe)
{
	const struct call *call = probe->check->argument;
	struct low *low = low_page();
	struct call through = {I386_SOCKETCALL, {SOCKETCALL_SOCKET, IN_PAGE(socketcall)}};
	long result = -ENOMEM;

	if (!has_table(probe))
		return;
	if (low) {
		for (int i = 0; i < 3; i++)
			low->socketcall[i] = (uint32_t)call->arguments[i];
		result = i386_run(low, &through);
	}
	errno = (int)-result;
	answer_result(probe, result);
}

/* x32 is a table of its own where the kernel has it (few do), and else ENOSYS. */
static void x32(struct probe *probe)
{
	const struct call *call = probe->check->argument;
	const long *a = call->arguments;

	answer_result(probe, syscall(call->number | X32_BIT, a[0], a[1], a[2], a[3], a[4], a[5]));
}

#define CALL(...) (&(const struct call){__VA_ARGS__})

static const struct check items[] = {
	{"i386.getpid", i386, CALL(I386_GETPID)},
	{"i386.unknown", i386, CALL(I386_UNKNOWN)},
	{"i386.socketcall_unix", i386_socketcall, CALL(0, {AF_UNIX, SOCK_STREAM, 0})},
	{"i386.socketcall_alg", i386_socketcall, CALL(0, {AF_ALG, SOCK_SEQPACKET, 0})},
	{"i386.socketcall_packet", i386_socketcall, CALL(0, {AF_PACKET, SOCK_RAW, 0})},
	{"i386.socketcall_vsock", i386_socketcall, CALL(0, {AF_VSOCK, SOCK_STREAM, 0})},
	{"i386.socket_alg", i386, CALL(I386_SOCKET, {AF_ALG, SOCK_SEQPACKET, 0})},
	{"i386.socket_packet", i386, CALL(I386_SOCKET, {AF_PACKET, SOCK_RAW, 0})},
	{"i386.socket_vsock", i386, CALL(I386_SOCKET, {AF_VSOCK, SOCK_STREAM, 0})},
	{"i386.ipc", i386, CALL(I386_IPC, {IPC_SHMGET, 0, 4096, 01600})},
	{"i386.unshare_user", i386, CALL(I386_UNSHARE, {CLONE_NEWUSER})},
	{"i386.clone_user", i386, CALL(I386_CLONE, {CLONE_NEWUSER | SIGCHLD})},
	{"i386.clone3_user", i386, CALL(I386_CLONE3, {IN_PAGE(clone_args), 64})},
	{"i386.setns", i386, CALL(I386_SETNS, {-1, 0})},
	{"i386.keyctl", i386, CALL(I386_KEYCTL, {KEYCTL_GET_KEYRING_ID, KEY_SPEC_PROCESS_KEYRING, 1})},
	{"i386.add_key", i386,
		CALL(I386_ADD_KEY,
			{IN_PAGE(user), IN_PAGE(probe), IN_PAGE(byte), 1, KEY_SPEC_PROCESS_KEYRING})},
	{"i386.request_key", i386, CALL(I386_REQUEST_KEY, {IN_PAGE(user), IN_PAGE(probe), 0, 0})},
	{"i386.mount", i386, CALL(I386_MOUNT, {IN_PAGE(tmpfs), IN_PAGE(nowhere), IN_PAGE(tmpfs), 0, 0})},
	{"i386.umount2", i386, CALL(I386_UMOUNT2, {IN_PAGE(nowhere), MNT_DETACH})},
	{"i386.pivot_root", i386, CALL(I386_PIVOT_ROOT, {IN_PAGE(nowhere), IN_PAGE(nowhere)})},
	{"i386.fsopen", i386, CALL(I386_FSOPEN, {IN_PAGE(tmpfs), BAD_FLAGS})},
	{"i386.open_tree", i386, CALL(I386_OPEN_TREE, {AT_FDCWD, IN_PAGE(tmp), 0})},
	{"i386.mount_setattr", i386, CALL(I386_MOUNT_SETATTR, {AT_FDCWD, IN_PAGE(tmp), BAD_FLAGS, 0, 0})},
	{"i386.tiocsti_stdin", i386, CALL(I386_IOCTL, {STDIN_FILENO, TIOCSTI, IN_PAGE(byte)})},
	{"i386.tiocsti_filter", i386, CALL(I386_IOCTL, {-1, TIOCSTI, IN_PAGE(byte)})},
	{"i386.tioclinux_filter", i386, CALL(I386_IOCTL, {-1, TIOCLINUX, IN_PAGE(byte)})},
	{"i386.io_uring_setup", i386, CALL(I386_IO_URING_SETUP, {1, IN_PAGE(ring)})},
	{"i386.userfaultfd", i386, CALL(I386_USERFAULTFD, {1})},
	{"i386.bpf", i386, CALL(I386_BPF, {BAD_FLAGS, IN_PAGE(zeros), 1 << 20})},
	{"i386.perf_event_open", i386, CALL(I386_PERF_EVENT_OPEN, {IN_PAGE(zeros), 0, -1, -1, BAD_FLAGS})},
	{"i386.name_to_handle_at", i386,
		CALL(I386_NAME_TO_HANDLE_AT,
			{AT_FDCWD, IN_PAGE(nowhere), IN_PAGE(handle), IN_PAGE(byte), 0})},
	{"i386.open_by_handle_at", i386, CALL(I386_OPEN_BY_HANDLE_AT, {AT_FDCWD, IN_PAGE(large_handle), O_RDONLY})},
	{"i386.quotactl", i386, CALL(I386_QUOTACTL, {QCMD(Q_SYNC, USRQUOTA), 0, 0, 0})},
	{"i386.swapon", i386, CALL(I386_SWAPON, {IN_PAGE(nowhere), BAD_FLAGS})},
	{"i386.reboot", i386, CALL(I386_REBOOT, {0, 0, 0, 0})},
	{"i386.kexec_load", i386, CALL(I386_KEXEC_LOAD, {0, 0, 0, BAD_FLAGS})},
	{"i386.init_module", i386, CALL(I386_INIT_MODULE, {0, 0, 0})},
	{"i386.iopl", i386, CALL(I386_IOPL, {0})},
	{"i386.stime", i386, CALL(I386_STIME, {0})},
	{"i386.clock_settime", i386, CALL(I386_CLOCK_SETTIME, {0, IN_PAGE(bad_time)})},
	{"i386.clock_settime64", i386, CALL(I386_CLOCK_SETTIME64, {0, IN_PAGE(bad_time64)})},
	{"i386.personality_no_random", i386, CALL(I386_PERSONALITY, {ADDR_NO_RANDOMIZE})},
	{"x32.getpid", x32, CALL(SYS_getpid)},
	{"x32.unshare_user", x32, CALL(SYS_unshare, {CLONE_NEWUSER})},
	{"x32.socket_alg", x32, CALL(SYS_socket, {AF_ALG, SOCK_SEQPACKET, 0})},
	{"x32.keyctl", x32, CALL(SYS_keyctl, {KEYCTL_GET_KEYRING_ID, KEY_SPEC_PROCESS_KEYRING, 1})},
};

const struct checks checks_compat = CHECKS(items);

#else

const struct checks checks_compat = {NULL, 0};

#endif
