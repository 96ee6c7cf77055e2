#include "runtime/sampling.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/openat2.h>
#include <sys/mount.h>
#include <time.h>
#include <unistd.h>

#include "base/scope.h"
#include "kernel/syscalls.h"
#include "rootfs/filesystem.h"
#include "runtime/channel.h"

enum view { VIEW_PROCESSES, VIEW_ROOT, VIEW_SEGMENTS, VIEW_COUNT };

enum {
	PAUSE_MIN_MS = 10,
	PAUSE_MAX_MS = 200,
	SHARE = 9, /* looking takes a tenth of one processor at most, while it takes less than PAUSE_MAX_MS */
};

static const struct cgroup_limit *find_sampled(const struct plan *plan, enum cgroup_controller controller)
{
	for (size_t i = 0; i < plan->cgroup.limits.count; i++) {
		const struct cgroup_limit *limit = &plan->cgroup.limits.items[i];

		if (limit->hold == CGROUP_HOLD_SAMPLED && limit->quantity && limit->controller == controller)
			return limit;
	}
	return NULL;
}

bool sampling_is_wanted(const struct plan *plan)
{
	return find_sampled(plan, CGROUP_MEMORY) || find_sampled(plan, CGROUP_PIDS);
}

/* ---- init ---- */

/* A procfs of its own: the payload could mount something over /proc, and some of that is masked. */
static int open_view(int view[VIEW_COUNT], struct sandbox_error *error)
{
	view[VIEW_PROCESSES] = filesystem_make("proc", NULL, MOUNT_ATTR_RDONLY | MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV |
		MOUNT_ATTR_NOEXEC, error);
	if (view[VIEW_PROCESSES] < 0)
		return error_wrap(error, "watch the limits");
	view[VIEW_ROOT] = open("/", O_PATH | O_DIRECTORY | O_CLOEXEC);
	if (view[VIEW_ROOT] < 0)
		return error_set(error, errno, "watch the limits: open the root");
	view[VIEW_SEGMENTS] = openat(view[VIEW_PROCESSES], "sysvipc/shm", O_RDONLY | O_CLOEXEC);
	if (view[VIEW_SEGMENTS] < 0 && errno != ENOENT)
		return error_set(error, errno, "watch the limits: open the list of shared memory segments");
	return 0;
}

int sampling_offer(const struct plan *plan, int channel, struct sandbox_error *error)
{
	int view[VIEW_COUNT] = {-1, -1, -1}, result;

	if (!sampling_is_wanted(plan))
		return 0;
	result = open_view(view, error);
	if (result == 0)
		result = channel_send(channel, CHANNEL_VIEW, 0, 0, view, view[VIEW_SEGMENTS] < 0 ? VIEW_SEGMENTS : VIEW_COUNT,
			error);
	for (size_t i = 0; i < VIEW_COUNT; i++)
		if (view[i] >= 0)
			(void)close(view[i]);
	return result;
}

/* ---- the supervisor ---- */

/* Nobody runs in there yet who could have moved something. */
static int add_filesystem(struct sampler *sampler, int root, const char *target, struct sandbox_error *error)
{
	int fd = kernel_openat2(root, target, O_PATH | O_DIRECTORY, 0, RESOLVE_IN_ROOT);

	if (fd < 0)
		return error_set(error, errno, "watch what is written to %s", target);
	sampler_add_filesystem(sampler, fd);
	return 0;
}

static int add_filesystems(const struct plan *plan, struct sampler *sampler, int root, struct sandbox_error *error)
{
	/* An overlay answers for the file system of its upper layer. */
	int result = plan->upper_on_disk ? 0 : add_filesystem(sampler, root, "/", error);

	for (size_t i = 0; i < plan->mounts.count && result == 0; i++)
		if (plan->mounts.steps[i].kind == MOUNT_TMPFS)
			result = add_filesystem(sampler, root, plan->mounts.steps[i].target, error);
	return result;
}

int sampling_accept(const struct plan *plan, const struct interrupt *interrupt, struct container *container,
	struct sandbox_error *error)
{
	struct sampler *sampler = &container->sampler;
	struct channel_message message;
	auto_close int root = -1;
	int result;

	if (!sampling_is_wanted(plan))
		return 0;
	result = interrupt_wait(interrupt, container->channel, error);
	if (result == 0)
		result = channel_expect(container->channel, CHANNEL_VIEW, &message, error);
	if (result < 0)
		return result;
	if (message.fd_count < VIEW_SEGMENTS || message.fd_count > VIEW_COUNT) {
		channel_drop(&message);
		return error_set(error, EPROTO, "watch the limits");
	}
	sampler->processes = message.fds[VIEW_PROCESSES];
	sampler->init = container->init;
	root = message.fds[VIEW_ROOT];
	sampler->segments = message.fd_count == VIEW_COUNT ? message.fds[VIEW_SEGMENTS] : -1;
	result = sampler_start(sampler, error);
	return result < 0 ? result : add_filesystems(plan, sampler, root, error);
}

static uint64_t now_milliseconds(void)
{
	struct timespec now;

	(void)clock_gettime(CLOCK_MONOTONIC, &now);
	return (uint64_t)now.tv_sec * 1000 + (uint64_t)now.tv_nsec / 1000000;
}

const struct cgroup_limit *sampling_look(const struct plan *plan, struct sampler *sampler,
	struct sampler_usage *peak, uint64_t *out_pause)
{
	const struct cgroup_limit *memory = find_sampled(plan, CGROUP_MEMORY), *pids = find_sampled(plan, CGROUP_PIDS);
	uint64_t start = now_milliseconds(), pause;
	struct sampler_usage usage;

	sampler_measure(sampler, memory ? memory->quantity : UINT64_MAX, &usage);
	peak->memory = usage.memory > peak->memory ? usage.memory : peak->memory;
	peak->tasks = usage.tasks > peak->tasks ? usage.tasks : peak->tasks;
	pause = (now_milliseconds() - start) * SHARE;
	*out_pause = pause < PAUSE_MIN_MS ? PAUSE_MIN_MS : pause > PAUSE_MAX_MS ? PAUSE_MAX_MS : pause;
	if (memory && usage.memory > memory->quantity)
		return memory;
	return pids && usage.tasks > pids->quantity ? pids : NULL;
}
