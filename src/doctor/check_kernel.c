/* What confines the command of a sandbox. */
#include "doctor/check.h"

#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <stdio.h>
#include <sys/prctl.h>
#include <unistd.h>

#include "base/file.h"
#include "base/scope.h"
#include "security/capability.h"
#include "security/keyring.h"
#include "security/seccomp_filter.h"

enum { KEY_USERS_MAX = 1 << 20 };

/* Installs the filter of a run without options, and sees whether it is there. */
int check_seccomp(const struct examination *examination, struct check_report *report)
{
	static const struct sandbox_strings none;
	auto_finish(seccomp_program_finish) struct seccomp_program program = {0};
	struct seccomp_policy policy = {.nesting = false};
	int result = capability_decide(&none, &none, &policy.capabilities, &report->error);

	(void)examination;
	if (result == 0)
		result = seccomp_filter_compile(&policy, &program, &report->error);
	if (result == 0 && prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0)
		result = error_set(&report->error, errno, "set no_new_privs");
	if (result == 0)
		result = seccomp_program_load(&program, &report->error);
	if (result < 0)
		return result;
	if (prctl(PR_GET_SECCOMP) != 2 || unshare(CLONE_NEWUSER) == 0)
		return error_set(&report->error, EPROTO, "see the system call filter at work");
	(void)snprintf(report->found, sizeof(report->found), "%zu instructions", program.count);
	return 0;
}

/* A session keyring of its own, which counts against the user's quota. */
int check_keyring(const struct examination *examination, struct check_report *report)
{
	auto_free char *text = NULL;
	unsigned long keys, limit;
	int result = keyring_join(&report->error);

	(void)examination;
	if (result == 0 && file_read(AT_FDCWD, "/proc/key-users", KEY_USERS_MAX, &text, NULL, NULL) == 0 &&
	    keyring_parse_usage(text, getuid(), &keys, &limit))
		(void)snprintf(report->found, sizeof(report->found), "%lu of %lu keys in use", keys, limit);
	return result;
}
