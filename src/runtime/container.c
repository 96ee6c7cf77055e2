#include "runtime/container.h"

#include <sandbox/life.h>

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <string.h>
#include <sys/pidfd.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/file.h"
#include "base/log.h"
#include "base/memory.h"
#include "base/reap.h"
#include "base/scope.h"
#include "base/test_switch.h"
#include "runtime/events.h"
#include "runtime/holder.h"
#include "runtime/kept.h"
#include "runtime/record.h"
#include "runtime/status.h"

void container_sweep(const struct sandbox_locations *locations, const struct plan *plan)
{
	registry_sweep(locations->state, record_bury);
	groups_sweep(locations->runtime);
	uppers_sweep(locations->state, &plan->idmap);
	if (!plan->holder)
		holders_sweep(locations->runtime);
}

/* Without one, ids are mapped as ever. */
static void ask_holder(struct container *container, const struct sandbox_locations *locations, struct plan *plan)
{
	struct sandbox_error problem = {0};
	auto_close int call = plan->holder_call > 0 ? plan->holder_call : -1;

	plan->holder_call = -1;
	if (holder_open(locations->runtime, &plan->idmap, plan->holder, call, &container->held, &problem) < 0)
		log_debug("no holder: %s", problem.text);
	else if (container->held.inside >= 0)
		log_debug("the holder had namespaces ready");
}

static int open_log(struct container *container, const struct plan *plan, struct detached *detached,
	struct sandbox_error *error)
{
	int result = output_log_open(&container->log, container->entry.directory, &plan->log, error);

	container->input = container->control.input = take_fd(&detached->input);

	for (size_t i = 0; i < OUTPUT_LOG_STREAMS && result == 0; i++)
		result = output_log_add(&container->log, i, take_fd(&detached->outputs[i]), error);
	return result;
}

struct filling {
	const struct plan *plan;
	const char *runtime;
	bool starts;
};

static int fill_entry(void *context, const struct registry_entry *entry, struct sandbox_error *error)
{
	const struct filling *filling = context;
	int result = record_write(entry, filling->plan, filling->runtime, filling->starts, time(NULL), error);

	return result < 0 || !filling->plan->kept ? result : kept_make(entry, filling->plan, error);
}

/* Whoever has the name: what only begins like it, an id, is another. */
static int remove_namesake(const struct sandbox_locations *locations, const char *name, struct sandbox_error *error)
{
	auto_finish(registry_entry_finish) struct registry_entry entry = REGISTRY_ENTRY_INIT;
	const char *found;
	int result = registry_find(locations->state, name, &entry, error);

	if (result == 0) {
		found = registry_entry_name(&entry);
		result = found && strcmp(found, name) == 0 ? sandbox_remove(locations, entry.id, true, error) : 0;
	}
	if (result != -ENOENT)
		return result;
	error_clear(error);
	return 0;
}

static int write_cidfile(const char *path, const char *id, struct sandbox_error *error)
{
	auto_free char *line = memory_format("%s\n", id);
	auto_close int file = open(path, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0644);
	int result = file < 0 ? -errno : fd_write_all(file, line, strlen(line));

	if (result == 0)
		return 0;
	/* Else the next try would find it there. */
	if (file >= 0)
		(void)unlink(path);
	error_set(error, -result, "--cidfile %s", path);
	error_cause(error, SANDBOX_E_USAGE, "the file cannot be made");
	return error_fix(error, "name a new one in a folder that you may write");
}

/* What is recorded before it is made. */
static int explain_full(struct sandbox_error *error)
{
	return error_explain_full(error, "the file system of sandbox's own directories",
		"free some space there, or name other places with --state DIR and --runroot DIR");
}

int container_add_entry(const struct sandbox_locations *locations, const struct plan *plan, bool starts,
	struct registry_entry *out, struct sandbox_error *error)
{
	struct filling filling = {plan, locations->runtime, starts};
	int result = plan->replace ? remove_namesake(locations, plan->name, error) : 0;

	if (result == 0)
		result = registry_add(locations->state, plan->name, record_bury, fill_entry, &filling, out, error);
	if (result < 0) {
		(void)explain_full(error);
		return result;
	}
	result = plan->kept ? kept_make_durable(out, error) : 0;
	if (result == 0 && plan->cidfile)
		result = write_cidfile(plan->cidfile, out->id, error);
	if (result < 0)
		(void)registry_remove(out, record_bury, NULL);
	else
		event_add(locations->runtime, &(struct event){.name = "create", .id = out->id,
			.sandbox = registry_entry_name(out), .image = plan->image});
	return result;
}

int container_show_init(struct container *container, const struct plan *plan, struct sandbox_error *error)
{
	auto_free char *line = memory_format("%d\n", (int)container->init);

	if (!plan->pidfile)
		return 0;
	if (file_replace(AT_FDCWD, plan->pidfile, line, strlen(line), 0644, error) == 0) {
		container->pidfile = plan->pidfile;
		return 0;
	}
	error_wrap(error, "--pidfile");
	error_cause(error, SANDBOX_E_USAGE, "the file cannot be written");
	return error_fix(error, "name one in a folder that you may write");
}

/* The entry is taken: also its end is written down by us from now on. */
static int take_entry(struct container *container, const struct sandbox_locations *locations, const struct plan *plan,
	struct registry_entry *again, struct sandbox_error *error)
{
	auto_finish(sandbox_entry_finish) struct sandbox_entry before = {.id = ""};
	int result = record_read_own(again, &before, error);

	/* The socket of one whose supervisor was killed. */
	(void)record_bury(again);
	if (result == 0)
		result = record_write(again, plan, locations->runtime, before.starts + 1, before.created, error);
	if (result < 0)
		return result;
	(void)unlinkat(again->directory, group_file, 0);
	container->again = true;
	container->entry = *again;
	*again = (struct registry_entry)REGISTRY_ENTRY_INIT;
	return 0;
}

static int make_entry(struct container *container, const struct sandbox_locations *locations, const struct plan *plan,
	struct registry_entry *again, struct detached *detached, struct sandbox_error *error)
{
	int result;

	container->remove = plan->remove;
	container->runtime = locations->runtime;
	result = again ? take_entry(container, locations, plan, again, error)
			: container_add_entry(locations, plan, true, &container->entry, error);
	if (result == 0 && !again)
		container->cidfile = plan->cidfile;
	test_point("container.recorded");
	if (result == 0)
		result = control_open(&container->control, locations->runtime, container->entry.id, error);
	return result < 0 || !detached ? result : open_log(container, plan, detached, error);
}

/* Where overlay is to write. */
static int make_upper(struct container *container, const struct sandbox_locations *locations, struct plan *plan,
	struct sandbox_error *error)
{
	int result = 0;

	if (plan->kept) {
		result = registry_hold_name(&container->entry, error);
		if (result < 0)
			return result;
		plan->root.upper = memory_format("%s/sandboxes/%s/%s", locations->state, container->entry.called,
			kept_layer_name);
	} else if (plan->upper_on_disk) {
		result = upper_make(&container->upper, locations->state, &plan->idmap, error);
		plan->root.upper = memory_text(container->upper.path);
	}
	return result;
}

int container_create(struct container *container, const struct sandbox_locations *locations, struct plan *plan,
	struct registry_entry *again, struct detached *detached, struct sandbox_error *error)
{
	int result = 0;

	container->image = plan->image;
	container->status_fd = plan->status_fd;
	if (plan->name || plan->kept || detached || plan->cidfile)
		result = make_entry(container, locations, plan, again, detached, error);
	test_point("container.named");
	if (result == 0)
		result = make_upper(container, locations, plan, error);
	if (result < 0)
		(void)explain_full(error);
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
	end_child(&container->init);
	fd_close(&container->init_pidfd);
	fd_close(&container->channel);
	held_close(&container->held);
}

static void tell_event(struct container *container, struct event event)
{
	bool found = container->entry.directory >= 0;

	/* It may have got another name since it started. */
	if (found)
		(void)registry_refresh(&container->entry);
	event.id = found ? container->entry.id : NULL;
	event.sandbox = found ? registry_entry_name(&container->entry) : NULL;
	event.image = container->image;
	status_tell(container->status_fd, &event);
	/* What concerns its starter alone: nobody else should reach it by the number of a process. */
	event.pid = 0;
	if (found && !event.error)
		event_add(container->runtime, &event);
}

void container_tell_start(struct container *container)
{
	registry_let_name(&container->entry);
	tell_event(container, (struct event){.name = "start", .pid = container->init});
}

void container_fail(struct container *container, const struct sandbox_error *error)
{
	tell_event(container, (struct event){.name = "fail", .error = error});
	container->status_fd = -1;
	container->ended = container->again;
	container->result = (struct sandbox_result){
		.cause = SANDBOX_CAUSE_EXIT, .number = sandbox_error_exit_status(error)};
}

static void remove_entry(struct container *container)
{
	bool found = container->entry.directory >= 0;

	/* The entry's words are still there. */
	if (registry_remove(&container->entry, record_bury, NULL) == 0 && found)
		event_add(container->runtime, &(struct event){.name = "rm", .id = container->entry.id,
			.sandbox = registry_entry_name(&container->entry), .image = container->image});
}

/* Its log, its end and what it wrote stay for whoever asks later: `sandbox rm` removes them. */
static void finish_entry(struct container *container)
{
	struct sandbox_error error = {0};
	bool stays = container->ended && !container->remove;

	if (stays)
		registry_let_name(&container->entry);
	if (stays && container->entry.directory >= 0 &&
	    record_write_exit(&container->entry, &container->result, &error) < 0)
		log_debug("%s", error.text);
	test_point("container.exit-written");
	output_log_finish(&container->log);
	if (container->ended && container->result.cause == SANDBOX_CAUSE_OOM)
		tell_event(container, (struct event){.name = "oom"});
	if (container->ended)
		tell_event(container, (struct event){.name = "die", .result = &container->result});
	fd_close(&container->input);
	control_withdraw(&container->control);
	if (stays) {
		registry_entry_finish(&container->entry);
		test_point("container.let-go");
	} else {
		remove_entry(container);
	}
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
	if (container->pidfile)
		(void)unlink(container->pidfile);
	/* Of one that never ran there is nothing to find. */
	if (container->cidfile && !container->ended)
		(void)unlink(container->cidfile);
	container->pidfile = container->cidfile = NULL;
	finish_entry(container);
}

void container_wait_chore(struct container *container, const struct interrupt *interrupt)
{
	auto_close int chore = container->chore > 0 ? pidfd_open(container->chore, 0) : -1;

	/* A disk that does not answer holds even SIGKILL up: nobody waits for that. */
	if (chore >= 0 && interrupt_wait(interrupt, chore, NULL) < 0) {
		(void)kill(container->chore, SIGKILL);
		(void)waitpid(container->chore, NULL, WNOHANG);
	} else if (container->chore > 0) {
		(void)reap_child(container->chore, NULL);
	}
	container->chore = 0;
}

void container_forget(struct container *container)
{
	registry_entry_finish(&container->entry);
	control_forget(&container->control);
	fd_close(&container->channel);
}
