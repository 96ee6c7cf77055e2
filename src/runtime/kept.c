#include "runtime/kept.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/file.h"
#include "base/json.h"
#include "base/memory.h"
#include "base/scope.h"
#include "base/strings.h"
#include "base/test_switch.h"
#include "base/text.h"
#include "cgroup/cgroup.h"
#include "image/folder.h"
#include "image/layer.h"
#include "image/layer_ids.h"
#include "image/lease.h"
#include "runtime/host_user.h"
#include "runtime/record.h"
#include "runtime/spec_record.h"
#include "runtime/upper.h"

enum { RECORD_SIZE_MAX = 8 << 20, RECORD_VERSION = 1 };

const char kept_layer_name[] = "layer";
static const char record_name[] = "kept.json";

void kept_finish(struct kept *kept)
{
	sandbox_strings_finish(&kept->layers);
	sandbox_strings_finish(&kept->lent);
	image_config_finish(&kept->config);
	sandbox_spec_finish(&kept->spec);
	free(kept->image);
	free(kept->digest);
	free(kept->store);
	free(kept->folder);
	free(kept->directory);
	*kept = (struct kept){0};
}

/* ---- writing ---- */

/* The caller's variables and files may be others when it is started again: what they said when it was planned was meant. */
static void freeze_environment(struct sandbox_spec *spec, const struct plan *plan)
{
	sandbox_strings_finish(&spec->env);
	sandbox_strings_finish(&spec->env_file);
	strings_add_all(&spec->env, &plan->environment_asked);
	spec->env_host = false;
}

/* The file may say something else by now: what was read of the last one, which counts, is what is in force. */
static void freeze_filter(struct sandbox_spec *spec, const char *text)
{
	static const char option[] = "seccomp=";

	for (size_t i = spec->security_opt.count; text && i-- > 0;) {
		char **item = &spec->security_opt.items[i];

		if (!text_starts_with(*item, option))
			continue;
		free(*item);
		*item = memory_format("%s%s", option, text);
		return;
	}
}

static int describe_spec(const struct sandbox_spec *spec, const struct plan *plan, struct json_object **out,
	struct sandbox_error *error)
{
	auto_finish(sandbox_spec_finish) struct sandbox_spec frozen;
	int result = spec_record_describe(spec, out, error);

	/* Written and read once for a copy of its own. */
	if (result == 0)
		result = spec_record_read(*out, record_name, &frozen, error);
	else
		sandbox_spec_init(&frozen);
	if (result < 0)
		return result;
	json_free(out);
	/* Of the making, and not of a start. */
	frozen.replace = false;
	free(take_ptr(frozen.cidfile));
	free(take_ptr(frozen.status_fd));
	freeze_filter(&frozen, plan->seccomp_text);
	freeze_environment(&frozen, plan);
	return spec_record_describe(&frozen, out, error);
}

/* "TREE-MAPKEY" of "TREE-MAPKEY/root". */
static void add_layers(struct json_object *record, const struct image *image)
{
	auto_finish(sandbox_strings_finish) struct sandbox_strings names = {0};

	for (size_t i = 0; i < image->layers.count && !image->folder; i++)
		strings_take(&names, memory_text_n(image->layers.items[i], strcspn(image->layers.items[i], "/")));
	json_add_strings(record, "layers", &names);
}

static int add_places(struct json_object *record, const struct plan *plan, const struct image *image,
	struct sandbox_error *error)
{
	auto_free char *here = getcwd(NULL, 0), *folder = image->folder ? realpath(plan->image, NULL) : NULL;

	if (image->folder && !folder)
		return error_set(error, errno, "find the folder %s", plan->image);
	json_add_string(record, "folder", folder);
	json_add_string(record, "directory", here ? here : "/");
	return 0;
}

static void list_lent(const struct plan *plan, struct sandbox_strings *out)
{
	static const char *const lending[] = {"volume", "mount", "device"};

	for (size_t i = 0; i < plan->mounts.count; i++) {
		const struct mount_step *step = &plan->mounts.steps[i];

		for (size_t j = 0; step->source && j < array_count(lending); j++)
			if (strcmp(step->why, lending[j]) == 0)
				strings_take(out, memory_text(step->source));
	}
}

static void add_lent(struct json_object *record, const struct plan *plan)
{
	auto_finish(sandbox_strings_finish) struct sandbox_strings lent = {0};

	list_lent(plan, &lent);
	json_add_strings(record, "lent", &lent);
}

int kept_check_lent(const struct kept *kept, const struct plan *plan, struct sandbox_error *error)
{
	auto_finish(sandbox_strings_finish) struct sandbox_strings now = {0};

	list_lent(plan, &now);
	for (size_t i = 0; i < now.count; i++) {
		const char *then = i < kept->lent.count ? kept->lent.items[i] : "nothing";

		if (strcmp(then, now.items[i]) == 0)
			continue;
		error_set(error, EPERM, "lend %s", now.items[i]);
		error_cause(error, SANDBOX_E_SANDBOX_STATE, "when the sandbox was made, the same words led to %s: there is "
			"a link on the way now", then);
		return error_fix(error, "if you did not change that, the sandbox may have: look at the folders it can write");
	}
	return 0;
}

int kept_describe(const struct plan *plan, const struct sandbox_spec *spec, const struct image_store *store,
	const struct image *image, char **out, struct sandbox_error *error)
{
	auto_finish(json_free) struct json_object *record = json_new_object();
	struct json_object *described = NULL;
	int result = describe_spec(spec, plan, &described, error);

	if (result < 0) {
		json_free(&described);
		return result;
	}
	json_add_unsigned(record, "version", RECORD_VERSION);
	json_add_string(record, "image", plan->image);
	json_add_string(record, "digest", plan->digest);
	json_add_string(record, "store", store->path);
	add_layers(record, image);
	add_lent(record, plan);
	json_add(record, "config", image_config_describe(&image->record.config));
	json_add(record, "spec", described);
	result = add_places(record, plan, image, error);
	if (result == 0)
		*out = json_text(record);
	return result;
}

static int bring_to_disk(int directory, const char *name, struct sandbox_error *error)
{
	auto_close int file = openat(directory, name, O_RDONLY | O_NOFOLLOW | O_CLOEXEC);

	return file < 0 || fsync(file) < 0 ? error_set(error, errno, "bring %s to the disk", name) : 0;
}

int kept_make(const struct registry_entry *entry, const struct plan *plan, struct sandbox_error *error)
{
	int result = layer_ids_save(entry->directory, &(struct layer_ids){plan->idmap, 0}, error);

	if (result == 0)
		result = upper_make_kept(entry->directory, kept_layer_name, &plan->idmap, error);
	test_point("kept.layer-made");
	if (result == 0)
		result = file_replace(entry->directory, record_name, plan->kept_record, strlen(plan->kept_record), 0600, error);
	test_point("kept.recorded");
	return result;
}

int kept_make_durable(const struct registry_entry *entry, struct sandbox_error *error)
{
	static const char *const files[] = {"record.json", "ids.json", record_name, "."};
	int result = 0;

	for (size_t i = 0; i < array_count(files) && result == 0; i++)
		result = bring_to_disk(entry->directory, files[i], error);
	if (result == 0 && fsync(entry->all) < 0)
		result = error_set(error, errno, "bring the directory of sandboxes to the disk");
	return result;
}

/* ---- reading ---- */

static bool has(const struct registry_entry *entry, const char *name)
{
	/* What cannot be looked at is there. */
	return faccessat(entry->directory, name, F_OK, AT_SYMLINK_NOFOLLOW) == 0 || errno != ENOENT;
}

bool kept_is_complete(const struct registry_entry *entry)
{
	return has(entry, record_name);
}

bool kept_is(const struct registry_entry *entry)
{
	return has(entry, record_name) || has(entry, kept_layer_name);
}

static int not_kept(const struct registry_entry *entry, struct sandbox_error *error)
{
	error_set(error, ENOENT, "find the files of %s", entry->called);
	error_cause(error, SANDBOX_E_SANDBOX_STATE, "it was not kept: what it wrote went when it ended");
	return error_fix(error, "give the next one a name, or --keep");
}

static int unreadable(const struct registry_entry *entry, int code, struct sandbox_error *error)
{
	error_wrap(error, "read what %s stands on", entry->called);
	error_cause(error, SANDBOX_E_SANDBOX_STATE, "its record is damaged, or of another version of sandbox");
	error_fix(error, "if you can do without its files: sandbox rm %s", entry->id);
	return code;
}

/* A copy of a text; NULL stays. */
static int read_text(struct json_object *record, const char *key, bool optional, char **out, struct sandbox_error *error)
{
	const char *text = NULL;
	int result = json_get_string(record, record_name, key, optional, &text, error);

	*out = memory_text(text);
	return result;
}

static int read_fields(struct json_object *record, struct kept *out, struct sandbox_error *error)
{
	struct json_object *config = NULL, *spec = NULL;
	int result = read_text(record, "image", false, &out->image, error);

	if (result == 0)
		result = read_text(record, "digest", true, &out->digest, error);
	if (result == 0)
		result = read_text(record, "store", false, &out->store, error);
	if (result == 0)
		result = read_text(record, "folder", true, &out->folder, error);
	if (result == 0)
		result = read_text(record, "directory", false, &out->directory, error);
	if (result == 0)
		result = json_get_strings(record, record_name, "lent", true, &out->lent, error);
	if (result == 0)
		result = json_get_strings(record, record_name, "layers", false, &out->layers, error);
	if (result == 0 && !out->layers.count && !out->folder)
		result = error_set(error, EINVAL, "%s.layers: empty", record_name);
	if (result == 0)
		result = json_get_object(record, record_name, "config", false, &config, error);
	if (result == 0)
		result = image_config_read(config, record_name, &out->config, error);
	if (result == 0)
		result = json_get_object(record, record_name, "spec", false, &spec, error);
	return result < 0 ? result : spec_record_read(spec, "spec", &out->spec, error);
}

static int read_record(const struct registry_entry *entry, struct kept *out, struct sandbox_error *error)
{
	auto_finish(json_free) struct json_object *record = NULL;
	auto_free char *text = NULL;
	struct layer_ids ids;
	uint64_t version;
	size_t size;
	int result = file_read(entry->directory, record_name, RECORD_SIZE_MAX, &text, &size, error);

	if (result == 0)
		result = json_parse(text, size, record_name, &record, error);
	if (result == 0)
		result = json_get_unsigned(record, record_name, "version", false, RECORD_VERSION, &version, error);
	if (result == 0)
		result = read_fields(record, out, error);
	if (result == 0)
		result = layer_ids_load(entry->directory, &ids, error);
	if (result == 0)
		out->idmap = ids.map;
	return result;
}

int kept_read(const struct registry_entry *entry, struct kept *out, struct sandbox_error *error)
{
	int result;

	*out = (struct kept){0};
	if (!kept_is(entry))
		return not_kept(entry, error);
	result = read_record(entry, out, error);
	/* Damaged, and not missing: callers tell the two apart. */
	return result < 0 ? unreadable(entry, result == -ENOENT ? -EIO : result, error) : 0;
}

/* ---- changing ---- */

void kept_change_finish(struct kept_change *change)
{
	free(take_ptr(change->text));
	fd_close(&change->lock);
}

/*
 * Together with those that stay: what does not go with them, or what nothing here could hold, is said now, and not by the
 * next start. Of one that runs its group says it.
 */
static int check_limits(const struct sandbox_limits *limits, bool runs, struct sandbox_error *error)
{
	auto_finish(cgroup_plan_finish) struct cgroup_plan plan = {0};

	return runs ? cgroup_limits_decide(limits, &plan.limits, error) : cgroup_plan_decide(limits, false, &plan, error);
}

static int change_spec(struct json_object *record, const struct sandbox_limits *said, bool runs,
	struct sandbox_error *error)
{
	auto_finish(sandbox_spec_finish) struct sandbox_spec spec;
	struct json_object *object = NULL, *changed = NULL;
	int result = json_get_object(record, record_name, "spec", false, &object, error);

	if (result < 0) {
		sandbox_spec_init(&spec);
		return result;
	}
	result = spec_record_read(object, "spec", &spec, error);
	if (result == 0) {
		spec_record_change_limits(&spec, said);
		result = check_limits(&spec.limits, runs, error);
	}
	if (result == 0)
		result = spec_record_describe(&spec, &changed, error);
	if (result < 0)
		json_free(&changed);
	else
		json_add(record, "spec", changed);
	return result;
}

int kept_change_limits(const struct registry_entry *entry, const struct sandbox_limits *said, struct kept_change *out,
	struct sandbox_error *error)
{
	auto_finish(json_free) struct json_object *record = NULL;
	struct registry_entry now = *entry; /* Its descriptors are borrowed. */
	auto_free char *text = NULL;
	size_t size;
	int result = registry_lock_name(entry, "update", &out->lock, error);

	/* A first start that has failed takes its entry along. */
	if ((result == 0 || result == -ENOENT) && registry_refresh(&now) == -ENOENT)
		return registry_unknown(entry->id, false, error);
	if (result < 0)
		return result == -ENOENT ? unreadable(entry, -EIO, error) : result;
	result = file_read(entry->directory, record_name, RECORD_SIZE_MAX, &text, &size, error);
	if (result == 0)
		result = json_parse(text, size, record_name, &record, error);
	if (result < 0)
		return unreadable(entry, result, error);
	result = change_spec(record, said, record_is_running(entry), error);
	if (result == 0)
		out->text = json_text(record);
	return result;
}

int kept_change_write(const struct registry_entry *entry, const struct kept_change *change, struct sandbox_error *error)
{
	int result = file_replace_durably(entry->directory, record_name, change->text, strlen(change->text), 0600, error);

	/* The name, too: whoever is told that it is done finds it after a power cut. */
	return result < 0 ? result : bring_to_disk(entry->directory, ".", error);
}

int kept_open_layer(const struct registry_entry *entry, struct sandbox_error *error)
{
	int layer;

	if (!kept_is(entry))
		return not_kept(entry, error);
	layer = openat(entry->directory, kept_layer_name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	return layer < 0 ? error_set(error, errno, "open the writable layer of %s", entry->called) : layer;
}

/* ---- what it stands on ---- */

static int layer_is_gone(const struct kept *kept, struct sandbox_error *error)
{
	error_cause(error, SANDBOX_E_IMAGE_UNKNOWN, "the sandbox stands on a layer of %s that is not in %s any more",
		kept->image, kept->store);
	/* A layer's name is what it consists of: the same archive brings it back. */
	error_fix(error, "import the same archive again: sandbox import %s", kept->image);
	return -ENOENT;
}

static int lease_layers(const struct kept *kept, struct image_store *store, struct image *out, struct sandbox_error *error)
{
	for (size_t i = 0; i < kept->layers.count; i++) {
		struct layer_lease lease;
		int result = layer_lease(store, kept->layers.items[i], true, &lease, error);

		if (result < 0)
			return result == -ENOENT ? layer_is_gone(kept, error) : result;
		image_add_layer(out, kept->layers.items[i], &lease);
	}
	return 0;
}

static int lease_folder(const struct kept *kept, struct image_store *store, struct image *out, struct sandbox_error *error)
{
	auto_finish(host_user_finish) struct host_user user = {.name = NULL};
	int folder;

	host_user_load(&user);
	folder = folder_open(store, kept->folder, &kept->idmap, test_defence_removed("kept-home") ? NULL : user.home, error);
	if (folder >= 0)
		image_be_folder(out, folder);
	return folder < 0 ? folder : 0;
}

int kept_lease(struct kept *kept, struct image_store *store, struct image *out, struct sandbox_error *error)
{
	int result = kept->folder ? lease_folder(kept, store, out, error) : lease_layers(kept, store, out, error);

	if (result < 0)
		return result;
	out->record.config = kept->config;
	kept->config = (struct image_config){0};
	return 0;
}

static int add_needed(void *context, const struct registry_entry *entry, struct sandbox_error *error)
{
	auto_finish(kept_finish) struct kept kept = {0};
	int result;

	if (!kept_is(entry))
		return 0;
	result = kept_read(entry, &kept, error);
	if (result == 0)
		strings_add_all(context, &kept.layers);
	return result;
}

int kept_hold_layers(const char *state, struct sandbox_strings *out, int *out_lock, struct sandbox_error *error)
{
	auto_close int lock = -1;
	int result;

	/* Of one whose maker was killed nothing is needed. */
	registry_sweep(state, record_bury);
	lock = registry_hold(state, error);
	if (lock == -ENOENT) {
		error_clear(error);
		*out_lock = -1;
		return 0;
	}
	result = lock < 0 ? lock : registry_visit(state, add_needed, out, error);
	if (result == 0)
		*out_lock = take_fd(&lock);
	return result;
}
