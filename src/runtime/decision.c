#include "runtime/decision.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "base/log.h"
#include "base/memory.h"
#include "runtime/holder.h"
#include "runtime/userns_request.h"

void decision_finish(struct decision *decision)
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

int decision_begin(const struct sandbox_spec *spec, struct decision *out, struct sandbox_error *error)
{
	int result = decide_ids(spec, &out->host, &out->idmap, error);

	if (result == 0)
		result = plan_probe_network(spec, &out->host, error);
	if (result == 0)
		result = plan_build(spec, &out->host, &out->idmap, &out->plan, error);
	return result < 0 ? result : plan_decide_image(spec, &out->choice, error);
}

static void decision_set_image(struct decision *decision, const char *name, const char *digest,
	const struct sandbox_spec *spec)
{
	struct image *image = &decision->image;

	decision->plan.image = memory_text(name);
	decision->plan.digest = memory_text(digest);
	plan_set_layers(&decision->plan, image_directory(&decision->store, image), &image->layers);
	plan_apply_image(&decision->plan, spec, &image->record.config);
}

static int resolve_image(struct decision *decision, const char *name, const struct sandbox_spec *spec,
	const struct sandbox_progress *progress, struct sandbox_error *error)
{
	struct image *image = &decision->image;
	struct image_request request;
	int result;

	image_request_init(&request, &decision->idmap);
	request.home = decision->host.user.home;
	request.choice = decision->choice;
	request.limits = spec->import_limits;
	request.progress = progress;
	result = image_resolve(&decision->store, name, &request, image, error);
	if (result < 0)
		return result;
	for (size_t i = 0; i < image->notices.count; i++)
		log_notice("%s", image->notices.items[i]);
	/* What a kept sandbox stands on must not be lost with the power. */
	if (decision->plan.kept && !image->durable)
		result = image_make_durable(&decision->store, image, error);
	if (result < 0)
		return result;
	if (image->folder)
		log_debug("the folder %s as it stands", name);
	else
		log_debug("image %s, %s", image->record.digest.hex, image->imported ? "just imported" : "already in the store");
	decision_set_image(decision, name, image->folder ? NULL : image->record.digest.hex, spec);
	return decision->plan.kept ? kept_describe(&decision->plan, spec, &decision->store, image, &decision->plan.kept_record,
		error) : 0;
}

static void warn(const struct sandbox_spec *spec, const struct plan *plan)
{
	if (network_warning(plan->network.kind))
		log_notice("%s", network_warning(plan->network.kind));
	if (spec->proc == SANDBOX_PROC_HOST)
		log_notice("--proc=host: the command sees all processes that you see, and their command lines");
}

int decision_make(const struct sandbox_locations *locations, const char *image_name, const struct sandbox_spec *spec,
	const struct sandbox_progress *progress, struct decision *out, struct sandbox_error *error)
{
	int result = decision_begin(spec, out, error);

	if (result < 0)
		return result;
	warn(spec, &out->plan);
	/* It can answer while the image is looked up. */
	if (out->plan.holder)
		out->plan.holder_call = holder_call(locations->runtime, &out->idmap, out->plan.holder);
	result = image_store_open(locations->store, &out->store, error);
	return result < 0 ? result : resolve_image(out, image_name, spec, progress, error);
}

/* The same ids as when it was made: its files belong to them. */
static int check_ids(const struct kept *kept, const struct idmap *now, struct sandbox_error *error)
{
	char then_text[ID_MAP_EXTENTS_MAX * 36], then_key[IDMAP_KEY_SIZE], now_key[IDMAP_KEY_SIZE];

	idmap_key(&kept->idmap, then_key);
	idmap_key(now, now_key);
	if (strcmp(then_key, now_key) == 0)
		return 0;
	(void)id_extents_format(&kept->idmap.users, then_text, sizeof(then_text));
	error_set(error, EPERM, "use the files that the sandbox has written");
	error_cause(error, SANDBOX_E_ID_UNMAPPED, "they belong to the ids %.200s, and yours are others now", then_text);
	return error_fix(error, "give yourself the same range again in /etc/subuid and /etc/subgid");
}

/* What was relative to the caller's directory at first still is. */
static int enter_directory(const struct kept *kept, struct sandbox_error *error)
{
	const struct sandbox_spec *spec = &kept->spec;
	bool needed = spec->volume.count || spec->mount.count || spec->device.count ||
		spec->limits.device_read_bps.count || spec->limits.device_write_bps.count ||
		spec->limits.device_read_iops.count || spec->limits.device_write_iops.count ||
		(spec->pidfile && *spec->pidfile != '/');

	if (chdir(kept->directory) == 0 || !needed)
		return 0;
	error_set(error, errno, "enter %s", kept->directory);
	error_cause(error, SANDBOX_E_SANDBOX_STATE, "the sandbox was made there, and what it was lent may be there");
	return error_fix(error, "make that folder accessible again");
}

int decision_repeat(struct kept *kept, struct decision *out, struct sandbox_error *error)
{
	int result = enter_directory(kept, error);

	if (result == 0)
		result = decision_begin(&kept->spec, out, error);
	if (result == 0)
		result = kept_check_lent(kept, &out->plan, error);
	if (result == 0)
		result = check_ids(kept, &out->idmap, error);
	if (result < 0)
		return result;
	warn(&kept->spec, &out->plan);
	result = image_store_open(kept->store, &out->store, error);
	if (result == 0)
		result = kept_lease(kept, &out->store, &out->image, error);
	if (result == 0)
		decision_set_image(out, kept->image, kept->digest, &kept->spec);
	return result;
}
