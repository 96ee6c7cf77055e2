#include "runtime/container.h"

#include <errno.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/memory.h"
#include "base/scope.h"
#include "base/test_switch.h"

void container_sweep(const struct sandbox_locations *locations, const struct plan *plan)
{
	names_sweep(locations->runtime, name_kind_sandbox, NULL);
	groups_sweep(locations->runtime);
	uppers_sweep(locations->state, &plan->idmap);
}

int container_create(struct container *container, const struct sandbox_locations *locations, struct plan *plan,
	struct sandbox_error *error)
{
	int result = 0;

	if (plan->name)
		result = name_take(&container->name, locations->runtime, name_kind_sandbox, plan->name, error);
	test_point("container.named");
	if (result < 0)
		return result;
	if (plan->upper_on_disk) {
		result = upper_make(&container->upper, locations->state, &plan->idmap, error);
		plan->root.upper = memory_text(container->upper.path);
	}
	if (result == 0)
		result = group_take(&container->group, locations->runtime, &plan->cgroup, error);
	test_point("container.created");
	return result;
}

static void end_init(struct container *container)
{
	if (container->init > 0) {
		(void)kill(container->init, SIGKILL);
		while (waitpid(container->init, NULL, 0) < 0 && errno == EINTR)
			;
	}
	container->init = 0;
	if (container->init_pidfd >= 0)
		(void)close(take_fd(&container->init_pidfd));
	if (container->channel >= 0)
		(void)close(take_fd(&container->channel));
}

static void finish_chore(struct container *container)
{
	while (container->chore > 0 && waitpid(container->chore, NULL, 0) < 0 && errno == EINTR)
		;
	container->chore = 0;
}

void container_finish(struct container *container)
{
	end_init(container);
	uplink_finish(&container->uplink);
	terminal_finish(&container->terminal);
	finish_chore(container);
	test_point("container.ended");
	group_release(&container->group);
	upper_remove(&container->upper);
	test_point("container.upper-removed");
	name_release(&container->name);
}
