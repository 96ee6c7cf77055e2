#include "runtime/payload.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/close_range.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/scope.h"
#include "base/strings.h"
#include "base/test_switch.h"
#include "kernel/syscalls.h"
#include "process/execute.h"
#include "process/terminal.h"
#include "rootfs/root_path.h"
#include "security/capability.h"

static int add_groups(const struct plan *plan, int root, struct user_identity *user, struct sandbox_error *error)
{
	for (size_t i = 0; i < plan->groups.count; i++) {
		gid_t group;
		int result = user_resolve_group(root, plan->groups.items[i], &plan->idmap, &group, error);

		if (result < 0)
			return result;
		if (user->group_count == USER_GROUPS_MAX)
			return error_set(error, E2BIG, "--group-add %s", plan->groups.items[i]);
		user->groups[user->group_count++] = group;
	}
	return 0;
}

static int resolve_command(const struct plan *plan, int root, struct payload *payload, struct sandbox_error *error)
{
	char *shell = NULL;
	int result;

	strings_add_all(&payload->command, &plan->command);
	if (payload->command.count)
		return 0;
	result = user_root_shell(root, &shell, error);
	if (result == 0)
		strings_take(&payload->command, shell);
	return result;
}

static int workdir_failed(const struct plan *plan, int code, struct sandbox_error *error)
{
	error_set(error, code, "enter the working directory %s", plan->workdir);
	if (code != ENOTDIR && code != ENOENT && code != ELOOP && code != EXDEV)
		return -code;
	error_cause(error, SANDBOX_E_ROOT_LAYOUT, "the image has something there that is no directory inside its root");
	return error_fix(error, "choose another one with --workdir");
}

static int enter_workdir(const struct plan *plan, int root, struct sandbox_error *error)
{
	auto_close int directory = root_open(root, plan->workdir, O_PATH | O_DIRECTORY, ROOT_FOLLOW);
	char here[4096];

	if (directory < 0)
		return workdir_failed(plan, -directory, error);
	if (fchdir(directory) < 0)
		return workdir_failed(plan, errno, error);
	/* The kernel says "(unreachable)…" for a directory outside of the root (CVE-2024-21626). */
	if (!getcwd(here, sizeof(here)) || *here != '/')
		return workdir_failed(plan, EXDEV, error);
	return 0;
}

int payload_resolve(const struct plan *plan, struct payload *out, struct sandbox_error *error)
{
	auto_close int root = open("/", O_PATH | O_DIRECTORY | O_CLOEXEC);
	int result;

	*out = (struct payload){.terminal = -1};
	if (root < 0)
		return error_set(error, errno, "open the root");
	result = user_resolve(root, plan->user, &plan->idmap, &out->user, error);
	if (result == 0)
		result = add_groups(plan, root, &out->user, error);
	if (result == 0)
		result = resolve_command(plan, root, out, error);
	if (result == 0)
		result = enter_workdir(plan, root, error);
	if (result < 0)
		return result;
	strings_add_all(&out->environment, &plan->environment);
	if (!plan->without_home && !strings_variable(&out->environment, "HOME"))
		strings_set_variable(&out->environment, "HOME", out->user.home);
	return 0;
}

void payload_finish(struct payload *payload)
{
	user_finish(&payload->user);
	sandbox_strings_finish(&payload->command);
	sandbox_strings_finish(&payload->environment);
}

/* The caller's ignored and blocked signals are its own affair. */
static void reset_signals(void)
{
	sigset_t none;

	if (test_defence_removed("signals"))
		return;
	for (int number = 1; number < NSIG; number++)
		(void)kernel_signal_default(number);
	(void)sigemptyset(&none);
	(void)sigprocmask(SIG_SETMASK, &none, NULL);
}

static int close_descriptors(const struct plan *plan, struct sandbox_error *error)
{
	for (unsigned int i = 0; i < plan->preserve_fds; i++)
		if (fd_set_cloexec(3 + (int)i, false) < 0)
			return error_set(error, EBADF, "preserve descriptor %u", 3 + i);
	if (test_defence_removed("close-fds"))
		return 0;
	/* Not yet: the descriptor that reports a failed exec is among them. */
	if (close_range(3 + plan->preserve_fds, ~0U, CLOSE_RANGE_CLOEXEC) < 0)
		return error_set(error, errno, "close the other descriptors");
	return 0;
}

/* Away from the caller's terminal, into whose shell it could push keystrokes, to one of its own or none. */
static int leave_terminal(const struct plan *plan, const struct payload *payload, struct sandbox_error *error)
{
	if (test_defence_removed("setsid"))
		return 0;
	if (setsid() < 0)
		return error_set(error, errno, "make a session");
	return terminal_adopt(plan->terminal, payload->terminal, error);
}

static int load_filter(const struct plan *plan, struct sandbox_error *error)
{
	return plan->seccomp.count ? seccomp_program_load(&plan->seccomp, error) : 0;
}

int payload_execute(const struct plan *plan, const struct payload *payload, struct sandbox_error *error)
{
	bool is_root = payload->user.uid == 0;
	int result;

	result = leave_terminal(plan, payload, error);
	if (result < 0)
		return result;
	reset_signals();
	result = close_descriptors(plan, error);
	/*
	 * The order is forced. A filter without no_new_privs needs CAP_SYS_ADMIN, shrinking the bounding set
	 * CAP_SETPCAP, changing ids CAP_SETUID. With no_new_privs the filter comes last.
	 */
	if (result == 0 && !plan->no_new_privs)
		result = load_filter(plan, error);
	if (result == 0)
		result = capability_limit(plan->capabilities, error);
	if (result == 0)
		result = user_become(&payload->user, &plan->idmap, error);
	/* Init's own, too, while this process shares its memory: a change of ids sets it to fs.suid_dumpable (proc(5)). */
	if (result == 0 && prctl(PR_SET_DUMPABLE, test_defence_removed("dumpable") ? 1 : 0, 0, 0, 0) < 0)
		result = error_set(error, errno, "protect the command's process");
	if (result == 0)
		result = capability_apply(plan->capabilities, is_root, error);
	if (result < 0)
		return result;
	if (plan->no_new_privs && !test_defence_removed("no-new-privs") && prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0)
		return error_set(error, errno, "set no_new_privs");
	test_point("payload.limited");
	if (!test_defence_removed("umask"))
		(void)umask(plan->umask);
	result = rlimit_apply(&plan->rlimits, error);
	if (result == 0 && plan->no_new_privs)
		result = load_filter(plan, error);
	if (result == 0)
		result = execute_program(payload->command.items, payload->environment.items, error);
	return result;
}
