/* All that is known of a sandbox, as JSON: sandbox/life.h. Keys are docker-inspect(1)'s where they mean the same. */
#include <sandbox/life.h>

#include <time.h>

#include "base/json.h"
#include "base/memory.h"
#include "base/scope.h"
#include "runtime/kept.h"
#include "runtime/record.h"
#include "runtime/registry.h"
#include "runtime/spec_record.h"

static const char *const status_words[] = {
	[SANDBOX_RUNNING] = "running", [SANDBOX_EXITED] = "exited", [SANDBOX_DEAD] = "dead", [SANDBOX_CREATED] = "created"};

const char *sandbox_status_name(enum sandbox_status status)
{
	return (unsigned int)status < array_count(status_words) ? status_words[status] : NULL;
}

/* RFC 3339; null for a moment that has not come. */
static void add_time(struct json_object *object, const char *key, bool known, int64_t seconds)
{
	time_t moment = (time_t)seconds;
	char text[64];
	struct tm utc;

	if (!known || !gmtime_r(&moment, &utc) || !strftime(text, sizeof(text), "%Y-%m-%dT%H:%M:%SZ", &utc))
		json_add_string(object, key, NULL);
	else
		json_add_string(object, key, text);
}

static struct json_object *describe_state(const struct sandbox_entry *entry)
{
	struct json_object *state = json_new_object();
	bool exited = entry->status == SANDBOX_EXITED;

	json_add_string(state, "Status", sandbox_status_name(entry->status));
	json_add_boolean(state, "Running", entry->status == SANDBOX_RUNNING);
	if (exited)
		json_add_unsigned(state, "ExitCode", (uint64_t)sandbox_result_exit_status(&entry->result));
	else
		json_add_string(state, "ExitCode", NULL);
	json_add_string(state, "Cause", exited ? sandbox_cause_name(entry->result.cause) : NULL);
	json_add_boolean(state, "OOMKilled", exited && entry->result.cause == SANDBOX_CAUSE_OOM);
	add_time(state, "StartedAt", entry->starts > 0, entry->started);
	add_time(state, "FinishedAt", exited, entry->ended);
	json_add_unsigned(state, "Starts", entry->starts);
	return state;
}

static struct json_object *describe_config(const struct sandbox_entry *entry)
{
	struct json_object *config = json_new_object();

	json_add_string(config, "Image", entry->image);
	json_add_strings(config, "Cmd", &entry->command);
	json_add_pairs(config, "Labels", &entry->labels);
	return config;
}

static void add_ids(struct json_object *kept, const struct idmap *idmap)
{
	struct json_object *ids = json_new_object();
	char text[ID_MAP_EXTENTS_MAX * 36];

	json_add_string(ids, "Users", id_extents_format(&idmap->users, text, sizeof(text)));
	json_add_string(ids, "Groups", id_extents_format(&idmap->groups, text, sizeof(text)));
	json_add(kept, "Ids", ids);
}

/* What it would be started with again, and on what. */
static int add_kept(struct json_object *object, const char *path, const struct registry_entry *entry,
	struct sandbox_error *error)
{
	auto_finish(kept_finish) struct kept kept = {0};
	auto_free char *layer = memory_format("%s/%s", path, kept_layer_name);
	struct json_object *described = json_new_object(), *options = NULL;
	int result = kept_read(entry, &kept, error);

	if (result == 0)
		result = spec_record_describe(&kept.spec, &options, error);
	if (result < 0) {
		json_free(&described);
		return result;
	}
	json_add_string(described, "Writable", layer);
	json_add_string(described, "Store", kept.store);
	json_add_string(described, "Folder", kept.folder);
	json_add_strings(described, "Layers", &kept.layers);
	json_add_string(described, "Directory", kept.directory);
	add_ids(described, &kept.idmap);
	json_add(described, "Options", options);
	json_add(object, "Kept", described);
	return 0;
}

static struct json_object *describe(const struct sandbox_entry *entry, const char *path)
{
	auto_free char *digest = entry->digest ? memory_format("sha256:%s", entry->digest) : NULL;
	auto_free char *log = entry->detached && entry->starts ? memory_format("%s/log", path) : NULL;
	struct json_object *object = json_new_object();

	json_add_string(object, "Id", entry->id);
	json_add_string(object, "Name", entry->name);
	add_time(object, "Created", true, entry->created);
	json_add_string(object, "Image", digest);
	json_add(object, "Config", describe_config(entry));
	json_add(object, "State", describe_state(entry));
	json_add_boolean(object, "Detached", entry->detached);
	json_add_boolean(object, "AutoRemove", entry->remove);
	json_add_string(object, "LogPath", log);
	return object;
}

int sandbox_inspect(const struct sandbox_locations *locations, const char *reference, char **out,
	struct sandbox_error *error)
{
	auto_finish(registry_entry_finish) struct registry_entry entry = REGISTRY_ENTRY_INIT;
	auto_finish(sandbox_entry_finish) struct sandbox_entry found = {.id = ""};
	auto_finish(json_free) struct json_object *object = NULL;
	auto_free char *path = NULL;
	int result = registry_find(locations->state, reference, &entry, error);

	if (result == 0)
		result = record_read(&entry, &found, error);
	if (result < 0)
		return result;
	path = memory_format("%s/sandboxes/%s", locations->state, entry.called);
	object = describe(&found, path);
	result = found.kept ? add_kept(object, path, &entry, error) : 0;
	if (result == 0)
		*out = json_text(object);
	return result;
}
