#include "security/keyring.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/keyctl.h>
#include <linux/membarrier.h>
#include <stdio.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/file.h"
#include "base/log.h"
#include "base/scope.h"
#include "base/test_switch.h"

enum {
	KEY_USERS_LIMIT = 1 << 20,
	ENOUGH_KEYS = 2000,
	QUOTA_RETRIES = 100,
	QUOTA_PAUSE_MICROSECONDS = 20 * 1000,
};

bool keyring_parse_usage(
	const char *text, unsigned int uid, unsigned long *out_keys, unsigned long *out_limit)
{
	/* "uid: usage keys/instantiated keys/maxkeys bytes/maxbytes" (proc_key_users(5)) */
	while (text && *text) {
		unsigned int line_uid;
		unsigned long keys, limit;

		if (sscanf(text, "%u: %*u %*u/%*u %lu/%lu", &line_uid, &keys, &limit) == 3 &&
			line_uid == uid) {
			*out_keys = keys;
			*out_limit = limit;
			return true;
		}
		text = strchr(text, '\n');
		text = text ? text + 1 : NULL;
	}
	return false;
}

static int explain_quota(struct sandbox_error *error)
{
	auto_free char *text = NULL;
	unsigned long keys, limit = 0;

	error_set(error, EDQUOT, "make a session keyring");
	error_cause(error, SANDBOX_E_KEY_QUOTA,
		"each running sandbox needs a key, and you have too many already");
	if (file_read(AT_FDCWD, "/proc/key-users", KEY_USERS_LIMIT, &text, NULL, NULL) == 0 &&
		keyring_parse_usage(text, getuid(), &keys, &limit))
		error_cause(error, SANDBOX_E_KEY_QUOTA,
			"each running sandbox needs a key: you have %lu, and kernel.keys.maxkeys allows %lu",
			keys, limit);
	/* The other quota, of bytes, is a hundred for each key. */
	limit = limit < ENOUGH_KEYS ? ENOUGH_KEYS : limit * 2;
	return error_fix(error, "sudo sysctl kernel.keys.maxkeys=%lu kernel.keys.maxbytes=%lu", limit, limit * 100);
}

/*
 * Whether every way to a key is refused with EPERM before its arguments are looked at (NULL would be
 * EFAULT): then it is a filter that says so, and the payload, too, will live under it.
 */
static bool keys_are_filtered(void)
{
	return syscall(SYS_keyctl, KEYCTL_GET_KEYRING_ID, KEY_SPEC_SESSION_KEYRING, 0) < 0 &&
		errno == EPERM && syscall(SYS_add_key, NULL, NULL, NULL, 0, 0) < 0 && errno == EPERM &&
		syscall(SYS_request_key, NULL, NULL, NULL, 0) < 0 && errno == EPERM;
}

static int join_new_keyring(void)
{
	return syscall(SYS_keyctl, KEYCTL_JOIN_SESSION_KEYRING, NULL) < 0 ? -errno : 0;
}

/*
 * The keyring of a process that has ended counts until an RCU grace period is over, and a kernel with
 * CONFIG_RCU_LAZY may put that off for seconds: some hundred short runs in a row use up a quota that
 * nobody holds. membarrier(2) waits for such a period, and what had been put off ends with it.
 */
static int join_when_old_keys_are_gone(void)
{
	int result = -EDQUOT;

	for (int retry = 0; result == -EDQUOT && retry < QUOTA_RETRIES; retry++) {
		if (syscall(SYS_membarrier, MEMBARRIER_CMD_GLOBAL, 0, 0) < 0)
			log_debug("membarrier: %s", strerror(errno));
		usleep(QUOTA_PAUSE_MICROSECONDS);
		result = join_new_keyring();
	}
	return result;
}

int keyring_join(struct sandbox_error *error)
{
	int code;

	if (test_defence_removed("keyring"))
		return 0;

	code = -join_new_keyring();
	if (code == EDQUOT)
		code = -join_when_old_keys_are_gone();
	if (code == 0)
		return 0;
	if (code == ENOSYS)
		return 0;
	if (code == EDQUOT)
		return explain_quota(error);
	if (code == EPERM && keys_are_filtered()) {
		log_debug("keys are out of reach: a system call filter that surrounds us refuses keyctl(2)");
		return 0;
	}
	return error_set(error, code, "make a session keyring");
}
