/*
 * refuse CALL:ERRNO,… COMMAND [ARG…]: runs a command under a filter that refuses some system calls, as an
 * outer container or an older kernel would. CALL is a name of the table below, "newuser" for clone(2) and
 * unshare(2) with CLONE_NEWUSER (and clone3(2), whose flags no filter sees, as ENOSYS). ERRNO is EPERM,
 * ENOSYS or EINVAL.
 */
#include <errno.h>
#include <linux/audit.h>
#include <linux/filter.h>
#include <linux/keyctl.h>
#include <linux/seccomp.h>
#include <sched.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

enum { PROGRAM_MAX = 128 };

static const struct {
	const char *name;
	unsigned int number;
} calls[] = {
	{"openat2", SYS_openat2}, {"close_range", SYS_close_range}, {"clone3", SYS_clone3}, {"keyctl", SYS_keyctl},
	{"pidfd_open", SYS_pidfd_open}, {"pidfd_send_signal", SYS_pidfd_send_signal}, {"fsopen", SYS_fsopen},
	{"fsmount", SYS_fsmount}, {"open_tree", SYS_open_tree}, {"move_mount", SYS_move_mount},
	{"mount_setattr", SYS_mount_setattr}, {"mount", SYS_mount}, {"pivot_root", SYS_pivot_root}, {"unshare", SYS_unshare},
	{"seccomp", SYS_seccomp}, {"memfd_create", SYS_memfd_create}, {"setns", SYS_setns}, {"sethostname", SYS_sethostname},
	{"setgroups", SYS_setgroups}, {"syncfs", SYS_syncfs}, {"signalfd4", SYS_signalfd4},
};

static const struct {
	const char *name;
	int code;
} codes[] = {{"EPERM", EPERM}, {"ENOSYS", ENOSYS}, {"EINVAL", EINVAL}};

static struct sock_filter program[PROGRAM_MAX];
static unsigned short length;

static void add(unsigned short code, unsigned int value, unsigned char if_true, unsigned char if_false)
{
	if (length == PROGRAM_MAX) {
		(void)fputs("refuse: too many calls\n", stderr);
		exit(2);
	}
	program[length++] = (struct sock_filter){code, if_true, if_false, value};
}

static void refuse_call(unsigned int number, int code)
{
	add(BPF_JMP | BPF_JEQ | BPF_K, number, 0, 1);
	add(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | (unsigned int)code, 0, 0);
}

/* Flags are the first argument; the low half is enough for them. */
static void refuse_new_user(unsigned int number, int code)
{
	add(BPF_JMP | BPF_JEQ | BPF_K, number, 0, 4);
	add(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, args[0]), 0, 0);
	add(BPF_JMP | BPF_JSET | BPF_K, CLONE_NEWUSER, 0, 1);
	add(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | (unsigned int)code, 0, 0);
	add(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr), 0, 0);
}

static int code_of(const char *name)
{
	for (size_t i = 0; name && i < sizeof(codes) / sizeof(codes[0]); i++)
		if (strcmp(codes[i].name, name) == 0)
			return codes[i].code;
	(void)fprintf(stderr, "refuse: unknown error %s\n", name ? name : "(none)");
	exit(2);
}

static void refuse_one(const char *name, int code)
{
	if (strcmp(name, "newuser") == 0) {
		refuse_new_user(SYS_clone, code);
		refuse_new_user(SYS_unshare, code);
		refuse_call(SYS_clone3, ENOSYS);
		return;
	}
	for (size_t i = 0; i < sizeof(calls) / sizeof(calls[0]); i++)
		if (strcmp(calls[i].name, name) == 0) {
			refuse_call(calls[i].number, code);
			return;
		}
	(void)fprintf(stderr, "refuse: unknown call %s\n", name);
	exit(2);
}

/*
 * A filter needs CAP_SYS_ADMIN or no_new_privs, and the latter would be an odd environment of its own (it
 * takes newuidmap's power away): that is what happens to an ordinary user here, so his ids are single.
 */
int main(int argc, char **argv)
{
	struct sock_fprog filter = {.filter = program};
	char *state = NULL;

	if (argc < 3)
		return 2;
	add(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr), 0, 0);
	for (char *rule = strtok_r(argv[1], ",", &state); rule; rule = strtok_r(NULL, ",", &state)) {
		char *colon = strchr(rule, ':');

		if (colon)
			*colon++ = '\0';
		refuse_one(rule, code_of(colon));
	}
	add(BPF_RET | BPF_K, SECCOMP_RET_ALLOW, 0, 0);
	filter.len = length;
	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0 || prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &filter) < 0) {
		perror("refuse");
		return 2;
	}
	execvp(argv[2], argv + 2);
	perror(argv[2]);
	return 127;
}
