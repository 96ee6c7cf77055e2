#include "runtime/container.h"

#include <errno.h>
#include <signal.h>
#include <sys/pidfd.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/log.h"
#include "base/memory.h"
#include "base/scope.h"
#include "base/test_switch.h"
#include "runtime/holder.h"
#include "runtime/record.h"

void container_sweep(const struct sandbox_locations *locations, const struct plan *plan)
{
	registry_sweep(locations->state, record_bury);
	groups_sweep(locations->runtime);
	uppers_sweep(locations->state, &plan->idmap);
	if (!plan->holder)
		holders_sweep(locations->runtime);
}

/* Without one, ids are mapped as ever. */
static void ask_holder(struct container *container, const struct sandbox_locations *locations, const struct plan *plan)
{
	struct sandbox_error problem = {0};

	container->userns = holder_open(locations->runtime, &plan->idmap, plan->holder, &problem);
	if (container->userns < 0)
		log_debug("no holder: %s", problem.text);
}

static int open_log(struct container *container, struct detached *detached, struct sandbox_error *error)
{
	int result = output_log_open(&container->log, container->entry.directory, error);

	for (size_t i = 0; i < OUTPUT_LOG_STREAMS && result == 0; i++)
		result = output_log_add(&container->log, i, take_fd(&detached->outputs[i]), error);
	return result;
}

static int make_entry(struct container *container, const struct sandbox_locations *locations, const struct plan *plan,
	struct detached *detached, struct sandbox_error *error)
{
	auto_free char *record = record_text(plan, locations->runtime);
	int result;

	container->remove = plan->remove;
	result = registry_add(locations->state, plan->name, record, &container->entry, error);

	if (result == 0)
		result = control_open(&container->control, locations->runtime, container->entry.id, error);
	return result < 0 || !detached ? result : open_log(container, detached, error);
}

int container_create(struct container *container, const struct sandbox_locations *locations, struct plan *plan,
	struct detached *detached, struct sandbox_error *error)
{
	int result = 0;

	if (plan->name || detached)
		result = make_entry(container, locations, plan, detached, error);
	test_point("container.named");
	if (result < 0)
		return result;
	if (plan->upper_on_disk) {
		result = upper_make(&container->upper, locations->state, &plan->idmap, error);
		plan->root.upper = memory_text(container->upper.path);
	}
	/* Before there is a group, which ends with this sandbox. */
	if (result == 0 && plan->holder)
		ask_holder(container, locations, plan);
	if (result == 0)
		result = group_take(&container->group, locations->runtime, &plan->cgroup, error);
	if (result == 0)
		result = group_show(&container->group, container->entry.directory, error);
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
	if (container->userns >= 0)
		(void)close(take_fd(&container->userns));
}

/* Its log and its end stay for whoever asks later, when it was detached: `sandbox rm` removes them. */
static void finish_entry(struct container *container)
{
	struct sandbox_error error = {0};
	bool stays = container->ended && container->log.directory >= 0 && !container->remove;

	if (stays && record_write_exit(&container->entry, &container->result, &error) < 0)
		log_debug("%s", error.text);
	output_log_finish(&container->log);
	if (stays)
		registry_entry_finish(&container->entry);
	else
		registry_remove(&container->entry);
	/* Last: whoever was told may remove the entry, or take its name. */
	if (container->ended)
		control_tell_end(&container->control, &container->result);
	control_finish(&container->control);
	container->ended = false;
}

void container_finish(struct container *container)
{
	end_init(container);
	uplink_finish(&container->uplink);
	terminal_finish(&container->terminal);
	output_relay_close(&container->output);
	test_point("container.ended");
	sampler_finish(&container->sampler);
	group_release(&container->group);
	upper_remove(&container->upper);
	test_point("container.upper-removed");
	finish_entry(container);
}

void container_wait_chore(struct container *container, const struct interrupt *interrupt)
{
	auto_close int chore = container->chore > 0 ? pidfd_open(container->chore, 0) : -1;

	/* A disk that does not answer holds even SIGKILL up: nobody waits for that. */
	if (chore >= 0 && interrupt_wait(interrupt, chore, NULL) < 0) {
		(void)kill(container->chore, SIGKILL);
		(void)waitpid(container->chore, NULL, WNOHANG);
	} else {
		while (container->chore > 0 && waitpid(container->chore, NULL, 0) < 0 && errno == EINTR)
			;
	}
	container->chore = 0;
}

void container_forget(struct container *container)
{
	registry_entry_finish(&container->entry);
	control_forget(&container->control);
	if (container->channel >= 0)
		(void)close(take_fd(&container->channel));
}
