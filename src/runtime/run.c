/* sandbox_run: understand, decide, do. */
#include <sandbox/container.h>
#include <sandbox/life.h>

#include <errno.h>
#include <signal.h>
#include <stdlib.h>

#include "base/interrupt.h"
#include "base/log.h"
#include "base/memory.h"
#include "base/scope.h"
#include "image/image.h"
#include "runtime/container.h"
#include "runtime/detach.h"
#include "runtime/host.h"
#include "runtime/launch.h"
#include "runtime/plan.h"
#include "runtime/plan_report.h"
#include "runtime/receipt.h"
#include "runtime/signals.h"
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

/* The command runs in the background: nobody but it shall keep our outputs open, and who started it goes on. */
static int let_go(struct detached *detached, const struct container *container, struct sandbox_error *error)
{
	int result = detached_drop_outputs(error);

	if (result == 0 && detached_report(detached, container->entry.id) < 0)
		result = error_set(error, EPIPE, "tell that the command runs");
	return result;
}

/* From a plan to the end of everything that it made. `detached` is NULL when the caller waits. */
static int run_plan(const struct sandbox_locations *locations, struct plan *plan, struct detached *detached,
	const struct supervisor_chore *chore, struct sandbox_result *out, struct sandbox_error *error)
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
	result = container_create(&container, locations, plan, detached, error);
	if (result == 0)
		result = launch(plan, &interrupt, &container, error);
	if (result == 0 && detached)
		result = let_go(detached, &container, error);
	if (result == 0) {
		result = supervise(plan, &container, chore, out, error);
		/* Whoever waits for the end finds the receipt. */
		if (detached && out->receipt)
			out->receipt->ended(out->receipt->context, out, result < 0 ? error : NULL);
	}
	container_finish(&container);
	container_wait_chore(&container, &interrupt);
	signals_restore(&previous);
	return result;
}

/* All that is known and decided before anything is made. */
struct decision {
	struct host host;
	struct idmap idmap;
	struct import_choice choice;
	struct plan plan;
	struct image_store store;
	struct image image;
};

#define DECISION_INIT {.store = IMAGE_STORE_INIT}

static void decision_finish(struct decision *decision)
{
	image_finish(&decision->image);
	image_store_finish(&decision->store);
	plan_finish(&decision->plan);
	host_finish(&decision->host);
}

static int decide_ids(const struct sandbox_spec *spec, struct host *host, struct idmap *out,
	struct sandbox_error *error)
{
	struct userns_request request;
	int result = userns_request_read(spec->userns, &spec->uidmap, &spec->gidmap, &request, error);

	if (result == 0)
		result = host_probe(request.mode != USERNS_SINGLE, host, error);
	return result < 0 ? result : plan_decide_idmap(&request, host, out, error);
}

/* Everything but the image: an archive is read only for a plan that can be carried out. */
static int decide(const struct sandbox_spec *spec, struct decision *out, struct sandbox_error *error)
{
	int result = decide_ids(spec, &out->host, &out->idmap, error);

	if (result == 0)
		result = plan_probe_network(spec, &out->host, error);
	if (result == 0)
		result = plan_build(spec, &out->host, &out->idmap, &out->plan, error);
	return result < 0 ? result : plan_decide_image(spec, &out->choice, error);
}

static int resolve_image(struct decision *decision, const char *name, const struct sandbox_spec *spec,
	const struct sandbox_progress *progress, struct sandbox_error *error)
{
	struct image *image = &decision->image;
	struct image_request request;
	int result;

	image_request_init(&request, &decision->idmap);
	request.choice = decision->choice;
	request.progress = progress;
	result = image_resolve(&decision->store, name, &request, image, error);
	if (result < 0)
		return result;
	for (size_t i = 0; i < image->notices.count; i++)
		log_notice("%s", image->notices.items[i]);
	if (image->folder)
		log_debug("the folder %s as it stands", name);
	else
		log_debug("image %s, %s", image->record.digest.hex, image->imported ? "just imported" : "already in the store");
	decision->plan.image = memory_text(name);
	decision->plan.digest = image->folder ? NULL : memory_text(image->record.digest.hex);
	plan_set_layers(&decision->plan, image_directory(&decision->store, image), &image->layers);
	plan_apply_image(&decision->plan, spec, &image->record.config);
	return 0;
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

static int run_decision(const struct sandbox_locations *locations, struct decision *decision, struct detached *detached,
	struct sandbox_result *out, struct sandbox_error *error)
{
	struct supervisor_chore chore = {
		.function = decision->image.durable ? NULL : make_durable, .argument = decision};

	return run_plan(locations, &decision->plan, detached, &chore, out, error);
}

/* What comes before there is anything to take back. */
static int prepare(const struct sandbox_locations *locations, const char *image_name, const struct sandbox_spec *spec,
	const struct sandbox_progress *progress, struct decision *out, struct sandbox_error *error)
{
	int result = decide(spec, out, error);

	if (result == 0 && network_warning(out->plan.network.kind))
		log_notice("%s", network_warning(out->plan.network.kind));
	if (result == 0 && spec->proc == SANDBOX_PROC_HOST)
		log_notice("--proc=host: the command sees all processes that you see, and their command lines");
	if (result == 0)
		result = image_store_open(locations->store, &out->store, error);
	return result < 0 ? result : resolve_image(out, image_name, spec, progress, error);
}

int sandbox_run(const struct sandbox_locations *locations, const char *image_name, const struct sandbox_spec *spec,
	const struct sandbox_progress *progress, struct sandbox_result *out, struct sandbox_error *error)
{
	auto_finish(decision_finish) struct decision decision = DECISION_INIT;
	int result = prepare(locations, image_name, spec, progress, &decision, error);

	if (result == 0 && out->receipt)
		describe_run(&decision, spec, image_name, out->receipt);
	return result < 0 ? result : run_decision(locations, &decision, NULL, out, error);
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
	int result = prepare(locations, image_name, spec, progress, &decision, error);

	if (result == 0 && receipt)
		describe_run(&decision, spec, image_name, receipt);
	if (result == 0)
		result = detach(&detached, &is_supervisor, out_id, error);
	if (!is_supervisor)
		return result;
	result = run_decision(locations, &decision, &detached, &ended, &problem);
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
	int result = decide(spec, &decision, error);

	if (result == 0)
		result = image_store_open_present(locations->store, &decision.store, error);
	if (result < 0)
		return result;
	image_request_init(&request, &decision.idmap);
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
