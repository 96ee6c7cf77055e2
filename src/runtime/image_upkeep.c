/* Looking after the image store, for callers of the library: sandbox/image.h. Bringing images in is in images.c. */
#include <sandbox/image.h>

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/statvfs.h>

#include "base/interrupt.h"
#include "base/file.h"
#include "base/log.h"
#include "base/memory.h"
#include "base/scope.h"
#include "base/strings.h"
#include "base/test_switch.h"
#include "image/collect.h"
#include "image/image.h"
#include "image/layer.h"
#include "image/lease.h"
#include "image/manifest.h"
#include "image/reference.h"
#include "runtime/image_store.h"
#include "runtime/kept.h"

/* An open store, with all that removing from it takes. */
struct upkeep {
	struct image_store store;
	struct idmap map;
	struct image_collection collection;
};

#define UPKEEP_INIT {.store = IMAGE_STORE_INIT}

static void upkeep_finish(struct upkeep *upkeep)
{
	image_store_finish(&upkeep->store);
}

/*
 * What is written down of kept sandboxes is complete: whoever makes one has a lease of its layers until it is. So the lock
 * need not be held on to, by who has locked what he asks about.
 */
static int list_kept(void *context, struct sandbox_strings *out, struct sandbox_error *error)
{
	const struct sandbox_locations *locations = context;
	auto_close int lock = -1;

	return kept_hold_layers(locations->state, out, &lock, error);
}

/* 0 or -errno. Where there is no store, that of *out has no root, and nothing is in it. */
static int upkeep_open(const struct sandbox_locations *locations, struct upkeep *out, struct sandbox_error *error)
{
	int result = images_removal_map(&out->map, error);

	if (result == 0)
		result = image_store_open_present(locations->store, &out->store, error);
	out->collection = (struct image_collection){
		.store = &out->store, .map = &out->map, .list_needs = list_kept, .context = (void *)locations};
	return result;
}

/* ---- tag, rmi ---- */

int sandbox_image_tag(const struct sandbox_locations *locations, const char *reference, const char *name,
	struct sandbox_error *error)
{
	auto_finish(image_store_finish) struct image_store store = IMAGE_STORE_INIT;
	auto_finish(image_record_finish) struct image_record record = {.source = NULL};
	int result = image_store_open_present(locations->store, &store, error);

	if (result == 0)
		result = image_find(&store, reference, &record, error);
	return result < 0 ? result : store_name_set(&store, name, &record.digest, error);
}

int sandbox_image_remove(const struct sandbox_locations *locations, const char *reference, bool force, bool *out_removed,
	struct sandbox_error *error)
{
	auto_finish(upkeep_finish) struct upkeep upkeep = UPKEEP_INIT;
	bool removed = false;
	int result = upkeep_open(locations, &upkeep, error);

	if (result == 0)
		result = image_remove(&upkeep.collection, reference, force, &removed, error);
	if (result == 0 && out_removed)
		*out_removed = removed;
	return result;
}

/* ---- gc, image prune ---- */

int sandbox_image_collect(const struct sandbox_locations *locations, const struct sandbox_collection *collection,
	struct sandbox_collected *out, struct sandbox_error *error)
{
	auto_finish(upkeep_finish) struct upkeep upkeep = UPKEEP_INIT;
	auto_finish(image_collected_finish) struct image_collected collected = {.layers = 0};
	const struct image_policy policy = {
		.images = collection->images, .named = collection->named, .size = collection->size,
		.unused_for = (int64_t)collection->unused_for, .dry_run = collection->dry_run,
	};
	int result = upkeep_open(locations, &upkeep, error);

	if (result == 0 && upkeep.store.root >= 0)
		result = image_collect(&upkeep.collection, &policy, &collected, error);
	if (result < 0)
		return result;
	*out = (struct sandbox_collected){collected.images, collected.layers, collected.bytes, collected.left};
	collected.images = (struct sandbox_strings){0};
	return 0;
}

void sandbox_collected_finish(struct sandbox_collected *collected)
{
	sandbox_strings_finish(&collected->images);
}

/* ---- image verify ---- */

static void add_fault(struct sandbox_faults *faults, const char *image, const char *layer, const char *path, const char *what)
{
	faults->items = memory_resize(faults->items, faults->count + 1, sizeof(*faults->items));
	faults->items[faults->count++] =
		(struct sandbox_fault){memory_text(image), memory_text(layer), memory_text(path), memory_text(what)};
}

void sandbox_faults_finish(struct sandbox_faults *faults)
{
	for (size_t i = 0; i < faults->count; i++) {
		free(faults->items[i].image);
		free(faults->items[i].layer);
		free(faults->items[i].path);
		free(faults->items[i].what);
	}
	free(faults->items);
	*faults = (struct sandbox_faults){.items = NULL};
}

struct verification {
	struct upkeep upkeep;
	struct interrupt interrupt;
	struct sandbox_strings done; /* layers */
	bool discard;
	struct sandbox_faults faults;
};

static void verification_finish(struct verification *verification)
{
	interrupt_release(&verification->interrupt);
	sandbox_strings_finish(&verification->done);
	sandbox_faults_finish(&verification->faults);
	upkeep_finish(&verification->upkeep);
}

/* Whether it says nothing of the layer: no helper could be started that looks at it, or there is too little of something. */
static bool is_of_machine(const struct sandbox_error *problem)
{
	return problem->id != SANDBOX_E_NONE || problem->code == EAGAIN || problem->code == EMFILE || problem->code == ENFILE ||
		problem->code == ENOMEM;
}

/*
 * Whether its files belong to subordinate ids that were the user's when it was unpacked, and are no more. That newuidmap
 * refuses the present ones tells of the machine.
 */
static bool has_lost_ids(const struct verification *self, const char *layer, const struct sandbox_error *problem)
{
	const char *dash = strrchr(layer, '-');
	char key[IDMAP_KEY_SIZE];

	idmap_key(&self->upkeep.map, key);
	return problem->id == SANDBOX_E_NEWIDMAP_REFUSED && dash && strcmp(dash + 1, key) != 0;
}

/* What cannot be read for whatever reason is a fault as well, but none that throwing it away would mend. */
static int note_unreadable(struct verification *self, const char *image, const char *layer, int result,
	const struct sandbox_error *problem, struct sandbox_error *error)
{
	bool lost = has_lost_ids(self, layer, problem);
	auto_free char *what = memory_format("cannot be compared: %s", lost ? "newuidmap refuses its ids" : strerror(-result));

	if (result == -EINTR || (is_of_machine(problem) && !lost)) {
		if (error)
			*error = *problem;
		(void)error_wrap(error, "verify the image sha256:%.12s", image);
		return result;
	}
	add_fault(&self->faults, image, layer, "", what);
	return 0;
}

/* Compares a layer with its manifest. 1 when it has a fault, 0, or -errno. */
static int verify_layer(struct verification *self, const char *image, const char *layer, struct sandbox_error *error)
{
	auto_finish(layer_damage_finish) struct layer_damage damage = {.items = NULL};
	auto_close int wrapper = -1;
	struct layer_lease lease = {.wrapper = -1};
	struct sandbox_error problem = {0};
	int result = layer_lease(&self->upkeep.store, layer, false, &lease, &problem);

	wrapper = lease.wrapper;
	if (result == 0)
		result = manifest_verify(wrapper, &self->interrupt, &damage, &problem);
	/* No manifest, no word of whose ids it has, or nobody knows yet whether it came to the disk: none of these has an id. */
	if ((result == -ENODATA || result == -ENOENT) && problem.id == SANDBOX_E_NONE) {
		self->faults.unknown++;
		return 0;
	}
	for (size_t i = 0; i < damage.count; i++)
		add_fault(&self->faults, image, layer, damage.items[i].path, damage.items[i].what);
	self->faults.layers += result == 0;
	self->faults.entries += damage.entries;
	return result < 0 ? note_unreadable(self, image, layer, result, &problem, error) : damage.count != 0;
}

/* What is in use has to stay; that is no reason not to look at the others. */
static int discard_layer(struct verification *self, const char *image, const char *layer, struct sandbox_error *error)
{
	int result = layer_remove(&self->upkeep.store, layer, &self->upkeep.map, error);

	if (result != -EBUSY)
		return result;
	error_clear(error);
	add_fault(&self->faults, image, layer, "", "in use, so it stays");
	return 0;
}

/* A layer of the image under all id maps; that it has none is a fault, too. */
static int verify_tree(struct verification *self, const struct image_record *record, size_t number,
	const struct sandbox_strings *layers, struct sandbox_error *error)
{
	const struct digest *tree = &record->layers[number].tree;
	bool found = false;
	int result = 0;

	for (size_t i = 0; i < layers->count && result >= 0; i++) {
		const char *layer = layers->items[i];

		if (strncmp(layer, tree->hex, strlen(tree->hex)) != 0)
			continue;
		found = true;
		if (strings_contain(&self->done, layer))
			continue;
		sandbox_strings_add(&self->done, layer);
		result = verify_layer(self, record->digest.hex, layer, error);
		/* No archive brings back what came from a sandbox: damaged is better than gone. */
		if (result > 0 && self->discard && !record->committed)
			result = discard_layer(self, record->digest.hex, layer, error);
	}
	if (!found && image_shows_layer(record, number))
		add_fault(&self->faults, record->digest.hex, tree->hex, "", "missing");
	return result < 0 ? result : 0;
}

static int verify_image(struct verification *self, const struct image_record *record, struct sandbox_error *error)
{
	auto_finish(sandbox_strings_finish) struct sandbox_strings layers = {0};
	int result = layer_list(&self->upkeep.store, &layers, error);

	for (size_t i = 0; i < record->layer_count && result == 0; i++)
		result = verify_tree(self, record, i, &layers, error);
	return result;
}

static int verify_all(struct verification *self, struct sandbox_error *error)
{
	auto_finish(image_records_finish) struct image_records records = {.items = NULL};
	int result = image_records_load(self->upkeep.store.root, &records, error);

	for (size_t i = 0; i < records.count && result == 0; i++)
		result = verify_image(self, &records.items[i], error);
	for (size_t i = 0; i < records.damaged.count && result == 0; i++)
		add_fault(&self->faults, records.damaged.items[i], "", "", "its record cannot be understood");
	return result;
}

int sandbox_image_verify(const struct sandbox_locations *locations, const char *reference, bool discard,
	struct sandbox_faults *out, struct sandbox_error *error)
{
	auto_finish(verification_finish) struct verification self = {
		.upkeep = UPKEEP_INIT, .interrupt = INTERRUPT_INIT, .discard = discard};
	auto_finish(image_record_finish) struct image_record record = {.source = NULL};
	int result = upkeep_open(locations, &self.upkeep, error);

	if (result == 0)
		result = interrupt_hold(&self.interrupt, error);
	if (result == 0 && reference)
		result = image_find(&self.upkeep.store, reference, &record, error);
	if (result == 0 && reference)
		result = verify_image(&self, &record, error);
	else if (result == 0 && self.upkeep.store.root >= 0)
		result = verify_all(&self, error);
	if (result < 0)
		return result;
	*out = self.faults;
	self.faults = (struct sandbox_faults){.items = NULL};
	return 0;
}

/* ---- df ---- */

/* An image is in use when all of its layers are, of one id map. Which of two with the same layers, nobody can say. */
struct layer_state {
	uint64_t bytes;
	bool locked;
};

/*
 * Whether it is in use is known by trying: the lock is given back at once, as counting may take long, and who wants to start
 * or remove something is not to wait for that. Of what is removed meanwhile, less is counted.
 */
static void look_at_layer(struct upkeep *upkeep, const char *layer, struct layer_state *out)
{
	auto_close int wrapper = file_open_directory(upkeep->store.layers, layer, NULL);
	int lock = layer_lock(&upkeep->store, layer, NULL);

	out->locked = lock == -EBUSY;
	if (lock >= 0 && !test_defence_removed("usage-unlocked"))
		scope_close(&lock);
	test_point("usage-counted");
	out->bytes = wrapper < 0 ? 0 : layer_usage(wrapper, &upkeep->map);
}

static void add_layer(const struct image_demand *demand, const char *layer, const struct layer_state *state,
	bool *in_use, struct sandbox_store_usage *out)
{
	bool needed = false;

	for (size_t i = 0; i < demand->records.count; i++) {
		bool is_of = image_record_has_layer(&demand->records.items[i], layer);

		needed = needed || is_of;
		in_use[i] = in_use[i] || (is_of && state->locked);
	}
	out->layers++;
	out->layer_bytes += state->bytes;
	out->unneeded += !needed;
	out->unneeded_bytes += needed ? 0 : state->bytes;
}

static bool is_idle(const struct image_demand *demand, const char *layer, const bool *in_use)
{
	bool idle = false;

	for (size_t i = 0; i < demand->records.count; i++) {
		if (!image_record_has_layer(&demand->records.items[i], layer))
			continue;
		if (in_use[i])
			return false;
		idle = true;
	}
	return idle;
}

static int measure(struct upkeep *upkeep, struct sandbox_store_usage *out, struct sandbox_error *error)
{
	auto_finish(image_demand_finish) struct image_demand demand = {.records = {.items = NULL}};
	auto_finish(sandbox_strings_finish) struct sandbox_strings layers = {0};
	auto_free struct layer_state *states = NULL;
	auto_free bool *in_use = NULL;
	int result = image_demand_load(&upkeep->collection, &demand, error);

	if (result == 0)
		result = layer_list(&upkeep->store, &layers, error);
	states = memory_zeroed(layers.count + 1, sizeof(*states));
	in_use = memory_zeroed(demand.records.count + 1, sizeof(*in_use));
	for (size_t i = 0; i < layers.count && result == 0; i++) {
		look_at_layer(upkeep, layers.items[i], &states[i]);
		add_layer(&demand, layers.items[i], &states[i], in_use, out);
	}
	for (size_t i = 0; i < layers.count && result == 0; i++)
		out->idle_bytes += is_idle(&demand, layers.items[i], in_use) ? states[i].bytes : 0;
	out->images = demand.records.count;
	for (size_t i = 0; i < demand.records.count; i++)
		out->idle += !in_use[i];
	return result;
}

int sandbox_image_usage(const struct sandbox_locations *locations, struct sandbox_store_usage *out,
	struct sandbox_error *error)
{
	auto_finish(upkeep_finish) struct upkeep upkeep = UPKEEP_INIT;
	struct statvfs room;
	int result = upkeep_open(locations, &upkeep, error);

	*out = (struct sandbox_store_usage){.images = 0};
	if (result < 0 || upkeep.store.root < 0)
		return result;
	(void)store_sweep(&upkeep.store, &upkeep.map, NULL);
	result = measure(&upkeep, out, error);
	if (result == 0)
		result = staging_count(&upkeep.store, &out->staging, error);
	if (result == 0 && fstatvfs(upkeep.store.root, &room) == 0)
		out->free_bytes = (uint64_t)room.f_bavail * room.f_frsize;
	return result;
}
