/* Making sandboxes that are started later, and starting kept ones again: sandbox/life.h. */
#include <sandbox/life.h>

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/memory.h"
#include "base/scope.h"
#include "runtime/events.h"
#include "runtime/container.h"
#include "runtime/decision.h"
#include "runtime/kept.h"
#include "runtime/record.h"
#include "runtime/registry.h"
#include "runtime/run.h"
#include "runtime/status.h"

int sandbox_create(const struct sandbox_locations *locations, const char *image, const struct sandbox_spec *spec,
	const struct sandbox_progress *progress, char out_id[SANDBOX_ID_SIZE], struct sandbox_error *error)
{
	auto_finish(decision_finish) struct decision decision = DECISION_INIT;
	auto_finish(registry_entry_finish) struct registry_entry entry = REGISTRY_ENTRY_INIT;
	struct sandbox_spec wanted = *spec; /* Its strings are borrowed. */
	int result;

	/* Whatever is created is for a start; whether there is a terminal is seen then. */
	wanted.keep = wanted.detach = true;
	result = decision_make(locations, image, &wanted, progress, &decision, error);
	if (result < 0)
		return result;
	container_sweep(locations, &decision.plan);
	result = container_add_entry(locations, &decision.plan, false, &entry, error);
	if (result == 0)
		memcpy(out_id, entry.id, sizeof(entry.id));
	return result;
}

/* Also where descriptor 0 is closed. */
static int take_input_away(struct sandbox_error *error)
{
	auto_close int nothing = open("/dev/null", O_RDONLY | O_CLOEXEC);

	return nothing < 0 || dup2(nothing, STDIN_FILENO) < 0 ? error_set(error, errno, "open /dev/null") : 0;
}

static int run_in_background(const struct sandbox_locations *locations, struct decision *decision,
	struct registry_entry *entry, struct sandbox_error *error)
{
	struct sandbox_result ended = {.cause = SANDBOX_CAUSE_EXIT};
	struct detached detached = DETACHED_INIT;
	struct sandbox_error problem = {0};
	bool is_supervisor = false;
	char id[SANDBOX_ID_SIZE];
	int result = detach(&detached, decision->plan.keep_input, &is_supervisor, id, error);

	if (!is_supervisor)
		return result;
	result = run_decided(locations, decision, entry, &detached, &ended, &problem);
	detached_exit(&detached, result, &problem);
}

/* The spec of then, with what this start is asked to do differently. */
static int adapt(struct sandbox_spec *spec, const struct sandbox_start_options *options, struct sandbox_error *error)
{
	spec->keep = true;
	spec->detach = !options->attach;
	spec->status_fd = memory_text(options->status_fd);
	/* A terminal has both directions. */
	return spec->detach || options->interactive || spec->tty ? 0 : take_input_away(error);
}

static int start_entry(const struct sandbox_locations *locations, struct registry_entry *entry,
	const struct sandbox_start_options *options, struct sandbox_result *out, struct sandbox_error *error)
{
	auto_finish(decision_finish) struct decision decision = DECISION_INIT;
	auto_finish(kept_finish) struct kept kept = {0};
	int result = kept_read(entry, &kept, error);

	if (result == 0)
		result = adapt(&kept.spec, options, error);
	if (result == 0)
		result = decision_repeat(&kept, &decision, error);
	if (result < 0) {
		status_tell_failure(options->status_fd, error);
		return result;
	}
	return options->attach ? run_decided(locations, &decision, entry, NULL, out, error)
			: run_in_background(locations, &decision, entry, error);
}

static int refuse_to_join(const struct registry_entry *entry, struct sandbox_error *error)
{
	error_set(error, EBUSY, "start --attach %s", record_title(entry));
	error_cause(error, SANDBOX_E_SANDBOX_STATE, "it runs already");
	return error_fix(error, "sandbox attach %s", record_title(entry));
}

/* Its name first: what others are about to change is read when they have. */
static int lock_to_start(struct registry_entry *entry, struct sandbox_error *error)
{
	int result = registry_hold_name(entry, error);

	/* One that is not kept, or damaged, has none: whoever reads it says which. */
	if (result < 0 && result != -ENOENT)
		return result;
	error_clear(error);
	return registry_lock_idle(entry, error);
}

/* Started is what it is to be. But whoever only works on its files has its lock, too, and then there is nobody to reach. */
static int accept_running(struct registry_entry *entry, const struct sandbox_start_options *options,
	struct sandbox_error *error)
{
	auto_close int done = -1, supervisor = -1;

	/* Another start holds the name until it is done, however busy the machine is. */
	registry_let_name(entry);
	(void)registry_lock_name(entry, "start", &done, NULL);
	fd_close(&done);
	supervisor = record_await_supervisor(entry);
	if (supervisor < 0)
		return -EBUSY;
	error_clear(error);
	return options->attach ? refuse_to_join(entry, error) : 0;
}

int sandbox_start(const struct sandbox_locations *locations, const char *reference,
	const struct sandbox_start_options *options, struct sandbox_result *out, struct sandbox_error *error)
{
	auto_finish(registry_entry_finish) struct registry_entry entry = REGISTRY_ENTRY_INIT;
	int result = registry_find(locations->state, reference, &entry, error);

	if (result == 0) {
		result = lock_to_start(&entry, error);
		if (result == 0)
			return start_entry(locations, &entry, options, out, error);
		if (result == -EBUSY)
			result = accept_running(&entry, options, error);
	}
	if (result < 0)
		status_tell_failure(options->status_fd, error);
	return result;
}

int sandbox_restart(const struct sandbox_locations *locations, const char *reference, int number, uint64_t timeout,
	struct sandbox_error *error)
{
	static const struct sandbox_start_options in_background;
	auto_finish(registry_entry_finish) struct registry_entry entry = REGISTRY_ENTRY_INIT;
	auto_finish(kept_finish) struct kept kept = {0};
	int result = registry_find(locations->state, reference, &entry, error);

	/* What could not be started again is not ended. */
	if (result == 0)
		result = kept_read(&entry, &kept, error);
	/* By its id: meanwhile another may have got the name. */
	if (result == 0)
		result = sandbox_stop(locations, entry.id, number, timeout, error);
	if (result == 0)
		result = lock_to_start(&entry, error);
	return result < 0 ? result : start_entry(locations, &entry, &in_background, NULL, error);
}

int sandbox_rename(const struct sandbox_locations *locations, const char *reference, const char *name,
	struct sandbox_error *error)
{
	auto_finish(registry_entry_finish) struct registry_entry entry = REGISTRY_ENTRY_INIT;
	int result = registry_check_name(name, "the new name", error);

	if (result == 0)
		result = registry_find(locations->state, reference, &entry, error);
	if (result == 0 && strcmp(reference, name) == 0) {
		result = error_set(error, EEXIST, "the new name \"%s\"", name);
		(void)error_cause(error, SANDBOX_E_NAME_IN_USE, "it has that name already");
		(void)error_fix(error, "choose another name");
	}
	if (result == 0)
		result = registry_rename(&entry, name, record_bury, error);
	if (result == 0)
		event_add(locations->runtime, &(struct event){.name = "rename", .id = entry.id, .sandbox = name});
	return result;
}
