#include "runtime/init.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/signalfd.h>
#include <sys/statvfs.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/memory.h"
#include "base/file.h"
#include "base/scope.h"
#include "base/test_switch.h"
#include "kernel/syscalls.h"
#include "network/namespace.h"
#include "process/terminal.h"
#include "process/title.h"
#include "rootfs/root.h"
#include "rootfs/standard_input.h"
#include "runtime/channel.h"
#include "runtime/files.h"
#include "runtime/launch_network.h"
#include "runtime/payload.h"
#include "runtime/sampling.h"
#include "runtime/session.h"
#include "security/keyring.h"
#include "userns/userns.h"

struct init {
	const struct plan *plan;
	int channel;
	int upper; /* the writable layer on disk, or -1 */
	struct network_namespace network;
	struct standard_input input;
	struct mount_sources sources;
	struct payload payload;
	pid_t payload_pid;
	struct sessions sessions; /* other commands */
};

/* ---- becoming a sandbox ---- */

static bool has_own_network(const struct plan *plan)
{
	return network_is_own(plan->network.kind) && !test_defence_removed("net-namespace");
}

static int unshare_flags(void)
{
	int flags = CLONE_NEWNS;

	flags |= test_defence_removed("ipc-namespace") ? 0 : CLONE_NEWIPC;
	flags |= test_defence_removed("uts-namespace") ? 0 : CLONE_NEWUTS;
	return flags;
}

/*
 * The current directory moves along into the new mounts; walking there by a path afterwards could be
 * beyond a root that is not the store's owner.
 */
static int init_unshare(struct init *init, struct sandbox_error *error)
{
	if (fchdir(init->plan->layers) < 0)
		return error_set(error, errno, "enter the store's directory of layers");
	if (unshare(unshare_flags()) < 0) {
		int code = errno;

		error_set(error, code, "make the namespaces");
		return code == ENOSPC ? error_cause(error, SANDBOX_E_USERNS_LIMIT,
			"a limit on namespaces is reached, see /proc/sys/user") : -code;
	}
	return root_open_upper(&init->plan->root, &init->upper, error);
}

/* What the caller typed may hold secrets, and everybody inside sees the command line of PID 1. */
static void init_hide_command_line(void)
{
	if (!test_defence_removed("title"))
		title_set("sandbox-init");
}

/*
 * Capabilities in the user namespace do not wait for its maps: whatever needs no ids is done while the
 * supervisor has the maps written, and the network namespace beside all that.
 */
static int init_before_ids(struct init *init, struct sandbox_error *error)
{
	const char *hostname = init->plan->hostname;
	int result;

	if (has_own_network(init->plan) && init->network.fd < 0)
		network_namespace_start(&init->network);
	init_hide_command_line();
	result = init_unshare(init, error);
	test_point("init.unshared");
	if (result == 0 && !test_defence_removed("uts-namespace") && sethostname(hostname, strlen(hostname)) < 0)
		result = error_set(error, errno, "set the host name");
	if (result == 0)
		result = root_make_private(error);
	if (result == 0)
		result = standard_input_lend(&init->input, error);
	return result < 0 ? result : mount_list_open_sources(&init->plan->mounts, &init->sources, error);
}

static int init_become_root(const struct init *init, struct sandbox_error *error)
{
	/* One that stays outside has heard it for the payload. */
	int result = init->plan->own_init ? 0 : channel_expect(init->channel, CHANNEL_IDS_MAPPED, NULL, error);

	if (result == 0)
		result = userns_become_root(&init->plan->idmap, error);
	if (result < 0)
		return result;
	/*
	 * Root inside is the same user as we are: without this it could open /proc/1/exe, the host's sandbox
	 * program, or attach to us. A change of ids clears the death signal, so it comes after.
	 */
	if (prctl(PR_SET_DUMPABLE, test_defence_removed("dumpable") ? 1 : 0, 0, 0, 0) < 0 ||
	    prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0) < 0)
		return error_set(error, errno, "protect init");
	/* The root of a cgroup namespace is where its maker stands at that moment: now, in its cgroup. */
	if (!test_defence_removed("cgroup-namespace") && unshare(CLONE_NEWCGROUP) < 0)
		return error_set(error, errno, "make the cgroup namespace");
	return 0;
}

static int init_enter_network(void *context, struct sandbox_error *error)
{
	struct init *init = context;
	int result = has_own_network(init->plan) ? network_namespace_enter(&init->network, error) : 0;

	return result < 0 ? result : launch_network_offer(init->plan, init->channel, error);
}

static int init_build_root(struct init *init, struct sandbox_error *error)
{
	struct mount_target target = {-1, -1, &init->sources, init_enter_network, init};
	int result = root_build(&init->plan->root, init->upper, &target, error);

	test_point("init.root-built");
	if (result == 0)
		result = mount_list_apply(&init->plan->mounts, &target, error);
	test_point("init.mounted");
	if (result == 0)
		result = root_enter(target.root, error);
	if (target.root >= 0)
		(void)close(target.root);
	if (target.scratch >= 0)
		(void)close(target.scratch);
	return result < 0 ? error_wrap(error, "prepare the root file system") : 0;
}

/* The other side of the payload's terminal goes along. */
static int init_report_setup(struct init *init, struct sandbox_error *error)
{
	auto_close int master = -1;
	int result;

	if (!init->plan->terminal)
		return channel_send(init->channel, CHANNEL_SETUP_DONE, 0, 0, NULL, 0, error);
	result = terminal_open_pair(init->plan->terminal, &master, &init->payload.terminal, error);
	return result < 0 ? result : channel_send(init->channel, CHANNEL_SETUP_DONE, 0, 0, &master, 1, error);
}

static int init_setup(struct init *init, struct sandbox_error *error)
{
	int result = init_before_ids(init, error);

	if (result == 0)
		result = init_become_root(init, error);
	test_point("init.root");
	if (result == 0)
		result = standard_input_replace(&init->input, error);
	if (result == 0)
		result = keyring_join(error);
	if (result == 0)
		result = init_build_root(init, error);
	if (result == 0)
		result = payload_resolve(init->plan, &init->payload, error);
	test_point("init.set-up");
	if (result == 0)
		result = sampling_offer(init->plan, init->channel, error);
	if (result == 0)
		result = init_report_setup(init, error);
	if (result == 0)
		result = channel_expect(init->channel, CHANNEL_START, NULL, error);
	return result < 0 ? userns_explain_refusal(error) : 0;
}

/* ---- the payload ---- */

/*
 * A payload that is to be PID 1 is that in a pid namespace inside ours, where the kernel ends it with us. Alone it
 * could shake off its tie to the supervisor: a change of ids clears the death signal, and so does prctl(2).
 */
static bool is_own_init(const struct init *init)
{
	return init->plan->own_init;
}

struct payload_start {
	struct init *init;
	int report;
};

/* In the child. Returns when there is nothing to be executed. */
static int payload_main(void *argument)
{
	const struct payload_start *start = argument;
	struct init *init = start->init;
	struct sandbox_error error = {0};
	int result = is_own_init(init) ? init_setup(init, &error) : 0;

	test_point("payload.start");
	if (result == 0)
		(void)payload_execute(init->plan, &init->payload, &error);
	(void)fd_write_all(start->report, &error, sizeof(error));
	return 125;
}

/* One that is PID 1 has much to do before it executes the command; any other is spared the copies of a fork. */
static pid_t clone_payload(struct payload_start *start)
{
	pid_t pid;

	if (!is_own_init(start->init))
		return kernel_vfork(payload_main, start, 0);
	pid = kernel_clone(test_defence_removed("pid-namespace") ? 0 : CLONE_NEWPID, NULL, -1);
	if (pid == 0)
		_exit(payload_main(start));
	return pid;
}

/* The pipe is close-on-exec: its end without a message is the exec's success. */
static int init_start_payload(struct init *init, struct sandbox_error *error)
{
	struct sandbox_error reported;
	auto_close int reader = -1;
	ssize_t size;
	int writer, result = fd_pipe(&reader, &writer, error);

	if (result < 0)
		return result;
	init->payload_pid = clone_payload(&(struct payload_start){init, writer});
	(void)close(writer);
	if (init->payload_pid < 0)
		return error_set(error, errno, "fork the command");
	size = fd_read_full(reader, &reported, sizeof(reported));
	if (size == 0)
		return channel_send(init->channel, CHANNEL_EXEC_OK, 0, 0, NULL, 0, error);
	if (size != sizeof(reported))
		return error_set(error, EPROTO, "start the command");
	error_sanitize(&reported);
	if (error)
		*error = reported;
	return reported.code ? -reported.code : -EINVAL;
}

/* ---- PID 1 ---- */

static uint32_t root_is_full(const struct init *init)
{
	struct statvfs status;

	/* Then we are not in there to see. */
	if (is_own_init(init))
		return 0;
	if (statvfs("/", &status) < 0 || status.f_blocks == 0)
		return 0;
	return status.f_bavail == 0 || (status.f_files && status.f_favail == 0) ? CHANNEL_EXITED_ROOT_FULL : 0;
}

/* Reaps whatever has ended. True once the payload has, with its wait status. */
static bool init_reap(struct init *init, int *out_status)
{
	bool payload_ended = false;
	int status;
	pid_t pid;

	for (;;) {
		pid = waitpid(-1, &status, WNOHANG);
		/* There may be no other SIGCHLD: a child that is missed now would be missed for good. */
		if (pid < 0 && errno == EINTR)
			continue;
		if (pid <= 0)
			return payload_ended;
		sessions_reap(&init->sessions, pid, status);
		if (pid != init->payload_pid)
			continue;
		*out_status = status;
		payload_ended = true;
	}
}

/* The supervisor's next word. False when it is gone: then everything in here ends with us. */
static bool init_obey(struct init *init)
{
	struct channel_message message;
	int result = channel_receive(init->channel, &message, NULL);

	/* A message that this process may not have, since root in the sandbox has lowered its limits, is not the end. */
	if (result == -EMFILE)
		return true;
	if (result <= 0)
		return false;
	if (message.step == CHANNEL_SIGNAL)
		(void)kill(init->payload_pid, message.value);
	if (message.step == CHANNEL_EXEC)
		sessions_start(&init->sessions, init->plan, &message);
	else if (message.step == CHANNEL_FILES)
		files_answer(init->plan, &message);
	else
		channel_drop(&message);
	return true;
}

enum { EVENT_CHANNEL, EVENT_CHILDREN, EVENT_SESSIONS };

/* What one poll has found. True once the payload has ended, with its wait status. */
static bool init_handle(struct init *init, const struct pollfd *events, int *out_status)
{
	struct signalfd_siginfo info;

	/* Before their number changes. */
	sessions_hear(&init->sessions, events + EVENT_SESSIONS);
	if (events[EVENT_CHANNEL].revents && !init_obey(init))
		_exit(0);
	return events[EVENT_CHILDREN].revents && read(events[EVENT_CHILDREN].fd, &info, sizeof(info)) > 0 &&
		init_reap(init, out_status);
}

static int init_watch(struct init *init, int signals, int *out_status, struct sandbox_error *error)
{
	auto_free struct pollfd *events = NULL;

	for (;;) {
		size_t count = EVENT_SESSIONS + sessions_poll_count(&init->sessions);

		events = memory_resize(events, count, sizeof(*events));
		events[EVENT_CHANNEL] = (struct pollfd){.fd = init->channel, .events = POLLIN};
		events[EVENT_CHILDREN] = (struct pollfd){.fd = signals, .events = POLLIN};
		sessions_poll(&init->sessions, events + EVENT_SESSIONS);
		if (poll(events, count, -1) >= 0) {
			if (init_handle(init, events, out_status))
				return 0;
		} else if (errno != EINTR) {
			return error_set(error, errno, "wait for the command");
		}
	}
}

static int init_run(struct init *init, struct sandbox_error *error)
{
	auto_close int signals = -1;
	int status = 0, result;
	sigset_t child;

	(void)sigemptyset(&child);
	(void)sigaddset(&child, SIGCHLD);
	signals = signalfd(-1, &child, SFD_CLOEXEC);
	if (signals < 0)
		return error_set(error, errno, "watch for ended processes");
	sessions_init(&init->sessions);
	result = init_start_payload(init, error);
	test_point("init.started");
	if (result == 0)
		result = init_watch(init, signals, &status, error);
	test_point("init.ended");
	standard_input_pass_on(&init->input);
	if (result == 0)
		result = channel_send(init->channel, CHANNEL_EXITED, status, root_is_full(init), NULL, 0, error);
	return result;
}

/* Also before the ids change: making a network namespace can take seconds on a busy machine. */
static int init_tie(struct sandbox_error *error)
{
	if (prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0) < 0)
		return error_set(error, errno, "tie init to its supervisor");
	test_point("init.cloned");
	return 0;
}

/* While these files are still ours: once init is not dumpable they are root's. The payload inherits the score. */
static int init_adjust_oom_score(const struct plan *plan, struct sandbox_error *error)
{
	if (!plan->oom_score_adj)
		return 0;
	return file_write_existing(AT_FDCWD, "/proc/self/oom_score_adj", plan->oom_score_adj, error);
}

/* It keeps the host's root and network, and belongs to the sandbox's user namespace: nobody in there may look into it. */
static int init_stay_outside(const struct init *init, struct sandbox_error *error)
{
	int result;

	init_hide_command_line();
	result = channel_expect(init->channel, CHANNEL_IDS_MAPPED, NULL, error);
	if (result == 0 && prctl(PR_SET_DUMPABLE, test_defence_removed("dumpable") ? 1 : 0, 0, 0, 0) < 0)
		result = error_set(error, errno, "protect init");
	return result;
}

_Noreturn void init_main(const struct plan *plan, int channel, int network)
{
	struct init init = {.plan = plan, .channel = channel, .upper = -1, .network = {.fd = network},
		.input = STANDARD_INPUT_INIT};
	struct sandbox_error error = {0};
	int result = init_tie(&error);

	if (result == 0)
		result = init_adjust_oom_score(plan, &error);
	/* One that is to be PID 1 does this itself. */
	if (result == 0)
		result = is_own_init(&init) ? init_stay_outside(&init, &error) : init_setup(&init, &error);
	if (result == 0)
		result = init_run(&init, &error);
	if (result < 0)
		(void)channel_send_error(channel, &error);
	_exit(result < 0 ? 125 : 0);
}
