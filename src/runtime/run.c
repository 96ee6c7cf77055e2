/* sandbox_run: understand, decide, do. */
#include <sandbox/container.h>

#include <errno.h>
#include <signal.h>
#include <stdlib.h>

#include "base/log.h"
#include "base/memory.h"
#include "base/scope.h"
#include "image/image.h"
#include "runtime/container.h"
#include "runtime/host.h"
#include "runtime/launch.h"
#include "runtime/plan.h"
#include "runtime/plan_report.h"
#include "runtime/supervisor.h"

int sandbox_result_exit_status(const struct sandbox_result *result)
{
	switch (result->cause) {
	case SANDBOX_CAUSE_TIMEOUT:
		return 124;
	case SANDBOX_CAUSE_SIGNAL:
		return 128 + result->number;
	default:
		return result->number;
	}
}

/* From a plan to the end of everything that it made. */
static int run_plan(const struct sandbox_locations *locations, struct plan *plan, const struct supervisor_chore *chore,
	struct sandbox_result *out, struct sandbox_error *error)
{
	auto_finish(container_finish) struct container container = CONTAINER_INIT;
	sigset_t previous;
	int result = container_create(&container, locations, plan, error);

	if (result < 0)
		return result;
	/* A signal that arrives from here on ends the set-up, or else is read once the payload runs, and goes to it. */
	supervisor_block_signals(&previous);
	result = launch(plan, &container, error);
	if (result == 0)
		result = supervise(plan, &container, chore, out, error);
	container_finish(&container);
	supervisor_restore_signals(&previous);
	return result;
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

struct images {
	struct image_store store;
	struct image image;
};

static void images_finish(struct images *images)
{
	image_finish(&images->image);
	image_store_finish(&images->store);
}

/* A first run does not wait for the disk; it sees to it that the next one finds the image all the same. */
static void make_durable(void *argument)
{
	struct images *images = argument;
	struct sandbox_error error = {0};

	if (image_make_durable(&images->store, &images->image, &error) < 0)
		log_debug("%s", error.text);
}

static int resolve_image(struct image_store *store, const char *name, const struct idmap *idmap,
	const struct sandbox_progress *progress, struct image *out, struct sandbox_error *error)
{
	struct image_request request;
	int result;

	image_request_init(&request, idmap);
	request.progress = progress;
	result = image_resolve(store, name, &request, out, error);
	if (result < 0)
		return result;
	for (size_t i = 0; i < out->notices.count; i++)
		log_notice("%s", out->notices.items[i]);
	log_debug("image %s, %s", out->record.digest.hex, out->imported ? "just imported" : "already in the store");
	return 0;
}

static int refuse_import(void *context, struct sandbox_error *error)
{
	(void)context;
	return error_set(error, ECANCELED, "import");
}

int sandbox_plan(const struct sandbox_locations *locations, const char *image_name, const struct sandbox_spec *spec,
	struct sandbox_plan_report *out, struct sandbox_error *error)
{
	auto_finish(host_finish) struct host host = {0};
	auto_finish(images_finish) struct images images = {.store = IMAGE_STORE_INIT};
	auto_finish(plan_finish) struct plan plan = {0};
	struct image_request request;
	struct idmap idmap;
	int result = decide_ids(spec, &host, &idmap, error);

	if (result == 0)
		result = plan_build(spec, &host, &idmap, &plan, error);
	if (result == 0)
		result = image_store_open(locations->store, &images.store, error);
	if (result < 0)
		return result;
	image_request_init(&request, &idmap);
	request.before_import = refuse_import;
	result = image_resolve(&images.store, image_name, &request, &images.image, error);
	if (result < 0 && result != -ECANCELED)
		return result;
	error_clear(error);
	plan_set_layers(&plan, images.store.layers, &images.image.layers);
	plan_report(&plan, spec, image_name, result == 0 ? images.image.record.digest.hex : NULL, out);
	return 0;
}

int sandbox_run(const struct sandbox_locations *locations, const char *image_name, const struct sandbox_spec *spec,
	const struct sandbox_progress *progress, struct sandbox_result *out, struct sandbox_error *error)
{
	auto_finish(host_finish) struct host host = {0};
	auto_finish(images_finish) struct images images = {.store = IMAGE_STORE_INIT};
	struct supervisor_chore chore = {.argument = &images};
	auto_finish(plan_finish) struct plan plan = {0};
	struct idmap idmap;
	int result = decide_ids(spec, &host, &idmap, error);

	if (result == 0)
		result = plan_build(spec, &host, &idmap, &plan, error);
	if (result == 0)
		result = image_store_open(locations->store, &images.store, error);
	if (result == 0)
		result = resolve_image(&images.store, image_name, &idmap, progress, &images.image, error);
	if (result < 0)
		return result;
	plan_set_layers(&plan, images.store.layers, &images.image.layers);
	if (!images.image.durable)
		chore.function = make_durable;
	return run_plan(locations, &plan, &chore, out, error);
}
