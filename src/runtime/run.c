/* sandbox_run: understand, decide, do. */
#include <sandbox/container.h>
#include <sandbox/life.h>

#include <errno.h>
#include <signal.h>

#include "base/interrupt.h"
#include "base/log.h"
#include "base/memory.h"
#include "base/scope.h"
#include "runtime/container.h"
#include "runtime/decision.h"
#include "runtime/detach.h"
#include "runtime/launch.h"
#include "runtime/plan.h"
#include "runtime/plan_report.h"
#include "runtime/receipt.h"
#include "runtime/run.h"
#include "runtime/signals.h"
#include "runtime/status.h"
#include "runtime/supervisor.h"

const char *sandbox_cause_name(enum sandbox_cause cause)
{
	static const char *const names[] = {
		[SANDBOX_CAUSE_EXIT] = "exit",
		[SANDBOX_CAUSE_SIGNAL] = "signal",
		[SANDBOX_CAUSE_TIMEOUT] = "timeout",
		[SANDBOX_CAUSE_OOM] = "oom",
		[SANDBOX_CAUSE_LIMIT] = "limit",
		[SANDBOX_CAUSE_KILLED] = "killed",
	};

	return (unsigned int)cause < array_count(names) ? names[cause] : NULL;
}

int sandbox_result_exit_status(const struct sandbox_result *result)
{
	switch (result->cause) {
	case SANDBOX_CAUSE_TIMEOUT:
		return 124;
	case SANDBOX_CAUSE_SIGNAL:
	case SANDBOX_CAUSE_OOM:
	case SANDBOX_CAUSE_LIMIT:
	case SANDBOX_CAUSE_KILLED:
		return 128 + result->number;
	default:
		return result->number;
	}
}

/* The command runs in the background: nobody but it shall keep our streams open, and who started it goes on. */
static int let_go(struct detached *detached, const struct container *container, struct sandbox_error *error)
{
	int result = detached_drop_streams(error);

	if (result == 0 && detached_report(detached, container->entry.id) < 0)
		result = error_set(error, EPIPE, "tell that the command runs");
	return result;
}

/* A launch that hangs ends as the command would: what it builds on may be a file system that does not answer. */
static int launch_in_time(const struct plan *plan, struct interrupt *interrupt, struct container *container,
	struct sandbox_error *error)
{
	int result = interrupt_limit(interrupt, plan->timeout, error);
	bool late;

	if (result == 0)
		result = launch(plan, interrupt, container, error);
	late = result == -ETIMEDOUT && interrupt_is_late(interrupt);
	(void)interrupt_limit(interrupt, 0, NULL);
	if (!late)
		return result;
	error_set(error, ETIMEDOUT, "start the command");
	error_cause(error, SANDBOX_E_TIMEOUT, "the time of --timeout has passed before it ran");
	return error_fix(error, "give it more time, or see with --debug what takes that long");
}

/* Whoever waits is told by the status; whoever does not, by the error. */
static bool ends_late(struct container *container, int result, const struct detached *detached, struct sandbox_result *out,
	struct sandbox_error *error)
{
	if (result != -ETIMEDOUT || detached || error->id != SANDBOX_E_TIMEOUT)
		return false;
	log_notice("%s", error->cause);
	error_clear(error);
	out->cause = SANDBOX_CAUSE_TIMEOUT;
	out->number = SIGKILL;
	container->ended = true;
	container->result = *out;
	return true;
}

/* From a plan to the end of everything that it made. `detached` is NULL when the caller waits. */
static int run_plan(const struct sandbox_locations *locations, struct plan *plan, struct registry_entry *again,
	struct detached *detached, const struct supervisor_chore *chore, struct sandbox_result *out, struct sandbox_error *error)
{
	auto_finish(interrupt_release) struct interrupt interrupt = INTERRUPT_INIT;
	auto_finish(container_finish) struct container container = CONTAINER_INIT;
	sigset_t previous;
	int result;

	container_sweep(locations, plan);
	result = interrupt_hold(&interrupt, error);
	if (result < 0)
		return result;
	/* A signal that arrives from here on ends the set-up, or else is read once the payload runs, and goes to it. */
	signals_block(&previous);
	result = container_create(&container, locations, plan, again, detached, error);
	if (result == 0)
		result = launch_in_time(plan, &interrupt, &container, error);
	if (result == 0)
		result = container_show_init(&container, plan, error);
	if (result == 0)
		container_tell_start(&container);
	container.control.init = container.init_pidfd;
	if (result == 0 && detached)
		result = let_go(detached, &container, error);
	if (result == 0) {
		result = supervise(plan, &container, chore, out, error);
		/* Whoever waits for the end finds the receipt. */
		if (detached && out->receipt)
			out->receipt->ended(out->receipt->context, out, result < 0 ? error : NULL);
	}
	if (ends_late(&container, result, detached, out, error))
		result = 0;
	if (result < 0 && !container.ended)
		container_fail(&container, error);
	container_finish(&container);
	container_wait_chore(&container, &interrupt);
	signals_restore(&previous);
	return result;
}

/* A first run does not wait for the disk; it sees to it that the next one finds the image all the same. */
static void make_durable(void *argument)
{
	struct decision *decision = argument;
	struct sandbox_error error = {0};

	if (image_make_durable(&decision->store, &decision->image, &error) < 0)
		log_debug("%s", error.text);
}

static void describe_run(const struct decision *decision, const struct sandbox_spec *spec, const char *image,
	struct sandbox_receipt *out)
{
	out->image = memory_text(image);
	out->digest = decision->image.folder ? NULL : memory_format("sha256:%s", decision->image.record.digest.hex);
	receipt_add_plan(out, spec, &decision->plan);
}

int run_decided(const struct sandbox_locations *locations, struct decision *decision, struct registry_entry *again,
	struct detached *detached, struct sandbox_result *out, struct sandbox_error *error)
{
	struct supervisor_chore chore = {
		.function = decision->image.durable ? NULL : make_durable, .argument = decision};

	return run_plan(locations, &decision->plan, again, detached, &chore, out, error);
}

int sandbox_run(const struct sandbox_locations *locations, const char *image_name, const struct sandbox_spec *spec,
	const struct sandbox_progress *progress, struct sandbox_result *out, struct sandbox_error *error)
{
	auto_finish(decision_finish) struct decision decision = DECISION_INIT;
	int result = decision_make(locations, image_name, spec, progress, &decision, error);

	if (result == 0 && out->receipt)
		describe_run(&decision, spec, image_name, out->receipt);
	if (result < 0)
		status_tell_failure(spec->status_fd, error);
	return result < 0 ? result : run_decided(locations, &decision, NULL, NULL, out, error);
}

int sandbox_run_detached(const struct sandbox_locations *locations, const char *image_name,
	const struct sandbox_spec *spec, const struct sandbox_progress *progress, struct sandbox_receipt *receipt,
	char out_id[SANDBOX_ID_SIZE], struct sandbox_error *error)
{
	auto_finish(decision_finish) struct decision decision = DECISION_INIT;
	struct detached detached = DETACHED_INIT;
	struct sandbox_error problem = {0};
	struct sandbox_result ended = {.cause = SANDBOX_CAUSE_EXIT, .receipt = receipt};
	bool is_supervisor = false;
	int result = decision_make(locations, image_name, spec, progress, &decision, error);

	if (result < 0)
		status_tell_failure(spec->status_fd, error);
	if (result == 0 && receipt)
		describe_run(&decision, spec, image_name, receipt);
	if (result == 0)
		result = detach(&detached, decision.plan.keep_input, &is_supervisor, out_id, error);
	if (!is_supervisor)
		return result;
	result = run_decided(locations, &decision, NULL, &detached, &ended, &problem);
	detached_exit(&detached, result, &problem);
}

static int refuse_import(void *context, struct sandbox_error *error)
{
	(void)context;
	return error_set(error, ECANCELED, "import");
}

int sandbox_plan(const struct sandbox_locations *locations, const char *image_name, const struct sandbox_spec *spec,
	struct sandbox_plan_report *out, struct sandbox_error *error)
{
	auto_finish(decision_finish) struct decision decision = DECISION_INIT;
	struct image_request request;
	auto_free char *content = NULL;
	int result = decision_begin(spec, &decision, error);

	if (result == 0)
		result = image_store_open_present(locations->store, &decision.store, error);
	if (result < 0)
		return result;
	image_request_init(&request, &decision.idmap);
	request.home = decision.host.user.home;
	request.choice = decision.choice;
	request.before_import = refuse_import;
	result = image_resolve(&decision.store, image_name, &request, &decision.image, error);
	if (result < 0 && result != -ECANCELED)
		return result;
	error_clear(error);
	/* Of an image that is not there yet nothing is known: then the plan is that of one that says nothing. */
	plan_apply_image(&decision.plan, spec, &decision.image.record.config);
	content = result < 0 ? memory_text("to be imported") : decision.image.folder ? memory_text("a folder, never written")
		: memory_format("sha256:%s", decision.image.record.digest.hex);
	plan_report(&decision.plan, spec, image_name, content, out);
	return 0;
}
