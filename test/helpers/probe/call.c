/*
 * System calls that a payload has no business with. Where it can be had, the arguments are such that
 * the kernel itself would answer something else than the filter does, so that the row tells the two
 * apart; and they change nothing even for a caller who may.
 */
#include "probe.h"

#include <fcntl.h>
#include <linux/io_uring.h>
#include <linux/keyctl.h>
#include <linux/quota.h>
#include <sys/personality.h>
#include <sys/syscall.h>
#include <time.h>

/* Numbers that no kernel knows. */
enum { UNKNOWN_NUMBER = 1000,
	FAR_NUMBER = 0x7fffffff };

enum {
	BAD_FLAGS = 0x7f000000,
	USERFAULTFD_USER_MODE_ONLY = 1,
	SYSLOG_SIZE_BUFFER = 10,
	MEMBARRIER_QUERY = 0,
	FANOTIFY_REPORT_FID = 0x200,
};

static struct io_uring_params ring;
static struct {
	unsigned int bytes, type;
	int mount;
	unsigned char handle[128];
} file_handle = {.bytes = 128};
/* Newer kernels look at its size before they look at the caller's privilege. */
static unsigned int large_handle[64] = {1000};
static struct timespec bad_time = {.tv_nsec = -1};
static const char nowhere[] = "/nonexistent", key_type[] = "user", key_name[] = "probe";
static char zeros[4096];

#define CALL(...) (&(const struct call){__VA_ARGS__})
#define ADDRESS(object) ((long)(object))

static const struct check items[] = {
	{"call.keyctl", probe_call, CALL(SYS_keyctl, {KEYCTL_GET_KEYRING_ID, KEY_SPEC_PROCESS_KEYRING, 1})},
	{"call.add_key", probe_call,
		CALL(SYS_add_key,
			{ADDRESS(key_type), ADDRESS(key_name), ADDRESS("x"), 1, KEY_SPEC_PROCESS_KEYRING})},
	{"call.request_key", probe_call, CALL(SYS_request_key, {ADDRESS(key_type), ADDRESS(key_name), 0, 0})},
	{"call.io_uring_setup", probe_call, CALL(SYS_io_uring_setup, {1, ADDRESS(&ring)})},
	{"call.io_uring_enter", probe_call, CALL(SYS_io_uring_enter, {-1, 0, 0, 0, 0, 0})},
	{"call.io_uring_register", probe_call, CALL(SYS_io_uring_register, {-1, 0, 0, 0})},
	{"call.userfaultfd", probe_call, CALL(SYS_userfaultfd, {USERFAULTFD_USER_MODE_ONLY})},
	{"call.bpf", probe_call, CALL(SYS_bpf, {BAD_FLAGS, ADDRESS(zeros), 1 << 20})},
	{"call.perf_event_open", probe_call,
		CALL(SYS_perf_event_open, {ADDRESS(zeros), 0, -1, -1, BAD_FLAGS})},
	{"call.kexec_load", probe_call, CALL(SYS_kexec_load, {0, 0, 0, BAD_FLAGS})},
	{"call.kexec_file_load", probe_call, CALL(SYS_kexec_file_load, {-1, -1, 0, 0, BAD_FLAGS})},
	{"call.init_module", probe_call, CALL(SYS_init_module, {0, 0, 0})},
	{"call.finit_module", probe_call, CALL(SYS_finit_module, {-1, 0, 0})},
	{"call.delete_module", probe_call, CALL(SYS_delete_module, {ADDRESS(nowhere), 0})},
	{"call.name_to_handle_at", probe_call,
		CALL(SYS_name_to_handle_at,
			{AT_FDCWD, ADDRESS(nowhere), ADDRESS(&file_handle), ADDRESS(&file_handle.mount), 0})},
	{"call.open_by_handle_at", probe_call,
		CALL(SYS_open_by_handle_at, {AT_FDCWD, ADDRESS(&large_handle), O_RDONLY})},
	{"call.quotactl", probe_call, CALL(SYS_quotactl, {QCMD(Q_SYNC, USRQUOTA), 0, 0, 0})},
	{"call.swapon", probe_call, CALL(SYS_swapon, {ADDRESS(nowhere), BAD_FLAGS})},
	{"call.swapoff", probe_call, CALL(SYS_swapoff, {ADDRESS(nowhere)})},
	{"call.reboot", probe_call, CALL(SYS_reboot, {0, 0, 0, 0})},
	{"call.acct", probe_call, CALL(SYS_acct, {ADDRESS(nowhere)})},
	{"call.settimeofday", probe_call, CALL(SYS_settimeofday, {ADDRESS(&bad_time), 0})},
	{"call.clock_settime", probe_call, CALL(SYS_clock_settime, {CLOCK_REALTIME, ADDRESS(&bad_time)})},
	{"call.clock_adjtime", probe_call, CALL(SYS_clock_adjtime, {CLOCK_REALTIME, ADDRESS(zeros)})},
	{"call.sethostname", probe_call, CALL(SYS_sethostname, {ADDRESS(zeros), -1})},
	{"call.setdomainname", probe_call, CALL(SYS_setdomainname, {ADDRESS(zeros), -1})},
	{"call.iopl", probe_call, CALL(SYS_iopl, {0})},
	{"call.ioperm", probe_call, CALL(SYS_ioperm, {0, 1, 0})},
	{"call.syslog", probe_call, CALL(SYS_syslog, {SYSLOG_SIZE_BUFFER, 0, 0})},
	{"call.vhangup", probe_call, CALL(SYS_vhangup, {0})},
	{"call.fanotify_init", probe_call, CALL(SYS_fanotify_init, {FANOTIFY_REPORT_FID, 0})},
	{"call.lookup_dcookie", probe_call, CALL(SYS_lookup_dcookie, {0, 0, 0})},
	{"call.kcmp", probe_call, CALL(SYS_kcmp, {0, 0, 0, 0, 0})},
	{"call.process_madvise", probe_call, CALL(SYS_process_madvise, {-1, 0, 0, 0, 0})},
	{"call.move_pages", probe_call, CALL(SYS_move_pages, {0, 0, 0, 0, 0, 0})},
	{"call.migrate_pages", probe_call, CALL(SYS_migrate_pages, {0, 0, 0, 0})},
	{"call.nfsservctl", probe_call, CALL(SYS_nfsservctl, {0})},
	{"call.uselib", probe_call, CALL(SYS_uselib, {ADDRESS(nowhere)})},
	{"call.ustat", probe_call, CALL(SYS_ustat, {0, ADDRESS(zeros)})},
	{"call.sysfs", probe_call, CALL(SYS_sysfs, {3})},
	{"call.modify_ldt", probe_call, CALL(SYS_modify_ldt, {0, ADDRESS(zeros), 0})},
	{"call.personality_no_random", probe_call, CALL(SYS_personality, {ADDR_NO_RANDOMIZE})},
	{"call.personality_read_exec", probe_call, CALL(SYS_personality, {READ_IMPLIES_EXEC})},
	{"call.personality_linux32", probe_call, CALL(SYS_personality, {PER_LINUX32})},
	{"call.chroot", probe_call, CALL(SYS_chroot, {ADDRESS(nowhere)})},
	{"call.memfd_create", probe_call, CALL(SYS_memfd_create, {ADDRESS(key_name), 1})},
	{"call.membarrier", probe_call, CALL(SYS_membarrier, {MEMBARRIER_QUERY, 0, 0})},
	{"call.unknown", probe_call, CALL(UNKNOWN_NUMBER, {0})},
	{"call.unknown_far", probe_call, CALL(FAR_NUMBER, {0})},
};

const struct checks checks_call = CHECKS(items);
