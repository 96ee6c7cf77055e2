#include "runtime/launch.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <stdbool.h>
#include <sys/ioctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/log.h"
#include "base/test_switch.h"
#include "kernel/syscalls.h"
#include "runtime/channel.h"
#include "runtime/init.h"
#include "runtime/launch_network.h"
#include "runtime/sampling.h"
#include "runtime/stage.h"
#include "userns/userns.h"

/*
 * The user namespace first: it owns all the others, which init makes itself. The pid namespace comes along
 * because only a clone's child can be PID 1.
 */
static unsigned int clone_flags(void)
{
	return CLONE_NEWUSER | (test_defence_removed("pid-namespace") ? 0 : CLONE_NEWPID);
}

struct beginning {
	const struct plan *plan;
	struct output_relay *output;
	struct held *held;
	int network; /* of these, the one that init is to enter, or -1 */
	int ends[2]; /* of the channel: the supervisor's and init's */
};

static void begin_init(void *argument)
{
	const struct beginning *beginning = argument;

	(void)close(beginning->ends[0]);
	output_relay_leave(beginning->output);
	if (beginning->network >= 0)
		beginning->held->network = -1;
	held_close(beginning->held);
	init_main(beginning->plan, beginning->ends[1], beginning->network);
}

/* Inside of the user namespace that a holder keeps: in one that it had ready, or in one made now. */
static int start_in_stage(struct beginning *beginning, struct container *container, struct sandbox_error *error)
{
	bool is_ready = beginning->held->inside >= 0;
	struct stage stage = {.userns = is_ready ? beginning->held->inside : beginning->held->userns,
		.idmap = &beginning->plan->idmap, .flags = clone_flags() & ~(is_ready ? CLONE_NEWUSER : 0U),
		.cgroup = container->group.cgroup.payload, .main = begin_init, .argument = beginning};
	int result;

	beginning->network = network_is_own(beginning->plan->network.kind) ? beginning->held->network : -1;
	result = stage_clone_init(&stage, error);

	container->init = stage.init;
	container->init_pidfd = stage.init_pidfd;
	return result;
}

static int start_in_host(struct beginning *beginning, struct container *container, struct sandbox_error *error)
{
	/* In its group from the first moment: its cgroup namespace will be rooted there. */
	container->init = kernel_clone(clone_flags(), &container->init_pidfd, container->group.cgroup.payload);
	if (container->init == 0)
		begin_init(beginning);
	test_point("launch.cloned");
	if (container->init > 0)
		return userns_write_maps(container->init, &beginning->plan->idmap, error);
	container->init = 0;
	return userns_explain_clone(errno, error);
}

/* Starts init in a user namespace with its maps, in one way or the other. */
static int start_init(const struct plan *plan, struct container *container,
	int (*start)(struct beginning *beginning, struct container *container, struct sandbox_error *error),
	struct sandbox_error *error)
{
	struct beginning beginning = {.plan = plan, .output = &container->output, .held = &container->held, .network = -1};
	int result = channel_make(beginning.ends, error);

	if (result < 0)
		return result;
	container->channel = beginning.ends[0];
	result = start(&beginning, container, error);
	(void)close(beginning.ends[1]);
	test_point("launch.mapped");
	return result;
}

/* A holder is never counted on. */
static int start_init_anyhow(const struct plan *plan, struct container *container, struct sandbox_error *error)
{
	struct sandbox_error problem = {0};
	bool was_held = container->held.userns >= 0;
	int result = was_held ? start_init(plan, container, start_in_stage, &problem) : -ENOENT;

	held_close(&container->held);
	if (result == 0)
		return 0;
	if (was_held) {
		log_debug("the user namespace of the holder is of no use: %s", problem.text);
		fd_close(&container->channel);
	}
	return start_init(plan, container, start_in_host, error);
}

static bool has_word(const struct container *container)
{
	struct pollfd channel = {.fd = container->channel, .events = POLLIN};

	return container->channel >= 0 && poll(&channel, 1, 0) > 0;
}

/* A signal that comes when the root stands already is the payload's, which may be running by now. */
static int wait_for_setup(const struct interrupt *interrupt, const struct container *container,
	struct sandbox_error *error)
{
	int result = interrupt_wait(interrupt, container->channel, error);

	if (result != -EINTR || !has_word(container))
		return result;
	error_clear(error);
	return 0;
}

/* A detached sandbox's own. With its other side open here the payload may close what it has of it, and open it again. */
static int keep_terminal(struct container *container, int master, struct sandbox_error *error)
{
	int result = output_log_add(&container->log, 0, master, error);

	container->control.input = master;
	if (result == 0)
		container->terminal.peer = ioctl(master, TIOCGPTPEER, O_RDWR | O_NOCTTY | O_CLOEXEC);
	return result < 0 || container->terminal.peer >= 0 ? result : error_set(error, errno, "open the terminal's other side");
}

/* The root stands. With it comes the supervisor's side of the payload's terminal, if there is to be one. */
static int expect_setup(const struct plan *plan, const struct interrupt *interrupt, struct container *container,
	struct sandbox_error *error)
{
	struct channel_message message;
	int result = wait_for_setup(interrupt, container, error);

	if (result == 0)
		result = channel_expect(container->channel, CHANNEL_SETUP_DONE, &message, error);
	if (result < 0)
		return result;
	if (message.fd_count != (plan->terminal ? 1 : 0)) {
		channel_drop(&message);
		return error_set(error, EPROTO, "set up the terminal");
	}
	if (plan->terminal == TERMINAL_DETACHED)
		return keep_terminal(container, message.fds[0], error);
	return plan->terminal ? terminal_start(&container->terminal, message.fds[0], error) : 0;
}

/* Init works while its maps are written. When it has given up meanwhile, its error is the cause of ours. */
static int prefer_init_error(const struct container *container, int result, struct sandbox_error *error)
{
	struct channel_message message;

	if (!has_word(container) || channel_receive(container->channel, &message, NULL) <= 0 ||
	    message.step != CHANNEL_ERROR)
		return result;
	if (error)
		*error = message.error;
	return message.error.code ? -message.error.code : -EINVAL;
}

static int start_payload(struct container *container, struct sandbox_error *error)
{
	return channel_send(container->channel, CHANNEL_START, 0, 0, NULL, 0, error);
}

static bool was_init_killed(const struct container *container)
{
	siginfo_t end = {0};

	return waitid(P_PIDFD, (id_t)container->init_pidfd, &end, WEXITED | WNOWAIT) == 0 && end.si_code == CLD_KILLED &&
		end.si_status == SIGKILL;
}

/*
 * Init has all that it takes now. One that is killed before it can say so, from outside or for lack of memory, may well
 * have started the command: what we have is an end to tell of, and no failure.
 */
static int expect_start(const struct interrupt *interrupt, struct container *container, struct sandbox_error *error)
{
	int result = interrupt_wait_limit(interrupt, container->channel, error);

	if (result == 0)
		result = channel_expect(container->channel, CHANNEL_EXEC_OK, NULL, error);

	if (result != -ECHILD || !was_init_killed(container))
		return result;
	error_clear(error);
	return 0;
}

/* Whether there is something to do for us once the root stands and before the payload runs. */
static bool is_waited_for(const struct plan *plan)
{
	return plan->terminal || plan->network.kind == NETWORK_PASTA || sampling_is_wanted(plan);
}

int launch(const struct plan *plan, const struct interrupt *interrupt, struct container *container,
	struct sandbox_error *error)
{
	int result = output_relay_lend(&container->output, error);

	if (result == 0)
		result = start_init_anyhow(plan, container, error);
	output_relay_restore(&container->output);
	if (result == 0)
		result = channel_send(container->channel, CHANNEL_IDS_MAPPED, 0, 0, NULL, 0, error);
	/* Init finds it when it comes that far: it need not wake us and wait for our answer. */
	if (result == 0 && !is_waited_for(plan))
		result = start_payload(container, error);
	if (result < 0)
		result = prefer_init_error(container, result, error);
	else
		log_debug("ids are mapped; init %d builds the root", (int)container->init);
	if (result == 0)
		result = launch_network_start(plan, interrupt, container, error);
	if (result == 0)
		result = sampling_accept(plan, interrupt, container, error);
	if (result == 0)
		result = expect_setup(plan, interrupt, container, error);
	test_point("launch.set-up");
	if (result == 0)
		result = launch_network_expect(interrupt, container, error);
	if (result == 0 && is_waited_for(plan))
		result = start_payload(container, error);
	if (result == 0)
		result = expect_start(interrupt, container, error);
	test_point("launch.started");
	if (result == 0)
		log_debug("the command runs");
	return result == -ENOSPC && error && error->id == SANDBOX_E_USERNS_LIMIT ? userns_explain_namespaces(error) : result;
}
