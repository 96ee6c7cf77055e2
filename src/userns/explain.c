/* Why user namespaces, or what root of one may do, were refused. */
#include "userns/userns.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/stat.h>

#include "base/file.h"
#include "base/memory.h"
#include "base/scope.h"

enum { ENOUGH_NAMESPACES = 15000 };

static const char container_fix[] = "start the outer container with --security-opt seccomp=unconfined";

/* -1 where there is no such setting. */
static long read_setting(const char *path)
{
	auto_free char *text = NULL;

	if (file_read(AT_FDCWD, path, 64, &text, NULL, NULL) < 0)
		return -1;
	return strtol(text, NULL, 10);
}

static bool seccomp_filter_is_on(void)
{
	return prctl(PR_GET_SECCOMP) == 2;
}

/* A chroot(2) into a folder; one into a mount point cannot be told from a root. */
static bool is_in_chroot(void)
{
	struct statx status;

	return statx(AT_FDCWD, "/", AT_NO_AUTOMOUNT, 0, &status) == 0 &&
		(status.stx_attributes_mask & STATX_ATTR_MOUNT_ROOT) && !(status.stx_attributes & STATX_ATTR_MOUNT_ROOT);
}

static int explain_limit(struct sandbox_error *error)
{
	long limit = read_setting("/proc/sys/user/max_user_namespaces");

	error_cause(error, SANDBOX_E_USERNS_LIMIT, "%s (user.max_user_namespaces = %ld)",
		limit == 0 ? "the administrator allows no user namespaces" :
		"you have as many user namespaces as you may, or they are nested 32 deep", limit);
	return error_fix(error, "sudo sysctl user.max_user_namespaces=%ld",
		limit < ENOUGH_NAMESPACES ? ENOUGH_NAMESPACES : limit * 2);
}

/* The two that refuse the namespace itself or, later, what its root would do. False when it was neither. */
static bool explain_surroundings(struct sandbox_error *error)
{
	if (read_setting("/proc/sys/kernel/apparmor_restrict_unprivileged_userns") == 1) {
		error_cause(error, SANDBOX_E_USERNS_APPARMOR, "AppArmor restricts unprivileged user namespaces "
			"(kernel.apparmor_restrict_unprivileged_userns = 1)");
		error_fix(error, "sudo sysctl kernel.apparmor_restrict_unprivileged_userns=0");
		return true;
	}
	if (seccomp_filter_is_on()) {
		error_cause(error, SANDBOX_E_USERNS_FILTERED, "a seccomp filter around this process refuses it "
			"(an outer container?)");
		error_fix(error, container_fix);
		return true;
	}
	return false;
}

static int explain_refused_clone(struct sandbox_error *error)
{
	if (read_setting("/proc/sys/kernel/unprivileged_userns_clone") == 0) {
		error_cause(error, SANDBOX_E_USERNS_DISABLED, "unprivileged user namespaces are switched off "
			"(kernel.unprivileged_userns_clone = 0)");
		return error_fix(error, "sudo sysctl kernel.unprivileged_userns_clone=1");
	}
	if (is_in_chroot()) {
		error_cause(error, SANDBOX_E_USERNS_DISABLED, "this process is in a chroot, and the kernel allows no user "
			"namespaces there");
		return error_fix(error, "start it outside of the chroot, or enter that root by systemd-nspawn(1) instead");
	}
	if (explain_surroundings(error))
		return error->code ? -error->code : -EINVAL;
	error_cause(error, SANDBOX_E_USERNS_DISABLED, "the kernel refused: this process is in a chroot, or a security "
		"module forbids it");
	return error_fix(error, "run `unshare -Ur true` to see whether any program may");
}

int userns_explain_clone(int code, struct sandbox_error *error)
{
	struct sandbox_error ignored = {0};

	error = error ? error : &ignored;
	error_set(error, code, "make a user namespace");
	switch (code) {
	case ENOSPC:
	case EUSERS:
		return explain_limit(error);
	case EAGAIN:
		error_cause(error, SANDBOX_E_NONE, "you may not have any more processes");
		return error_fix(error, "end some, or raise the limit: ulimit -u, kernel.pid_max, pids.max of the cgroup");
	case EPERM:
	case EACCES:
		return explain_refused_clone(error);
	case ENOSYS:
		if (seccomp_filter_is_on())
			return explain_refused_clone(error);
		error_cause(error, SANDBOX_E_KERNEL_TOO_OLD, "the kernel has no clone3(2)");
		return error_fix(error, "use Linux 5.12 or newer");
	case EINVAL:
		error_cause(error, SANDBOX_E_USERNS_DISABLED, "the kernel was built without user namespaces");
		return error_fix(error, "use a kernel with CONFIG_USER_NS=y");
	default:
		return -code;
	}
}

int userns_explain_namespaces(struct sandbox_error *error)
{
	static const char *const kinds[] = {"mnt", "pid", "net", "ipc", "uts", "cgroup"};

	for (size_t i = 0; i < array_count(kinds); i++) {
		auto_free char *path = memory_format("/proc/sys/user/max_%s_namespaces", kinds[i]);

		if (read_setting(path) != 0)
			continue;
		error_cause(error, SANDBOX_E_USERNS_LIMIT, "the administrator allows no namespaces of one kind "
			"(user.max_%s_namespaces = 0)", kinds[i]);
		return error_fix(error, "sudo sysctl user.max_%s_namespaces=%d", kinds[i], ENOUGH_NAMESPACES);
	}
	error_cause(error, SANDBOX_E_USERNS_LIMIT, "you have as many namespaces of one kind as you may");
	return error_fix(error, "end some sandboxes, or raise the limits in /proc/sys/user");
}

int userns_explain_refusal(struct sandbox_error *error)
{
	if (error->id != SANDBOX_E_NONE || error->code != EPERM)
		return error->code ? -error->code : -EINVAL;
	if (explain_surroundings(error))
		return -error->code;
	error_cause(error, SANDBOX_E_USERNS_FILTERED, "root of a user namespace may do this, but a security module refuses it");
	return error_fix(error, "look for its message in the kernel's log: sudo dmesg");
}
