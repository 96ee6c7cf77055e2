#include "image/unpack.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "base/file.h"
#include "base/log.h"
#include "base/memory.h"
#include "base/progress.h"
#include "base/scope.h"
#include "base/strings.h"
#include "base/test_switch.h"
#include "image/collect.h"
#include "image/identity.h"
#include "image/importer.h"
#include "image/layer.h"
#include "image/lease.h"
#include "image/unpack_layers.h"

static void add_notice(struct image *image, uint64_t count, const char *what)
{
	if (count)
		strings_take(&image->notices, memory_format("%llu %s", (unsigned long long)count, what));
}

/* One of several goes by what it is called in the archive, as if it had been chosen by that. */
static void archive_key(const struct import_result *imported, const struct import_choice *choice,
	const struct image_config *config, struct digest *out)
{
	struct import_choice known = *choice;

	if (choice->number && imported->images > 1 && config->names.count)
		(void)snprintf(known.reference, sizeof(known.reference), "%s", config->names.items[0]);
	else if (choice->number && imported->images > 1)
		(void)snprintf(known.reference, sizeof(known.reference), "@%u", choice->number - 1);
	image_key(&imported->archive, &known, out);
}

/* What the record says besides the layers. `imported->counts` are those of all layers together. */
static void fill_record(struct image *image, const struct import_result *imported, const struct import_choice *choice,
	const char *source)
{
	struct image_record *record = &image->record;

	archive_key(imported, choice, &record->config, &record->digest);
	if (strcmp(record->digest.hex, imported->archive.hex) != 0)
		record->archive = imported->archive;
	image->of_several = imported->images;
	record->source = memory_text(source);
	memcpy(record->compression, imported->compression, sizeof(record->compression));
	record->created = (int64_t)time(NULL);
	record->counts = imported->counts;
	add_notice(image, record->counts.devices_missed, "device nodes outside /dev were left out");
	add_notice(image, record->counts.attributes_dropped, "extended attributes or ACLs were left out");
	add_notice(image, record->counts.owners_dropped, "owners of symbolic links and FIFOs were left out: "
		"with a single id they are recorded at their directory, which has no room for more");
	image->imported = true;
}

/* root/ of a staging directory, owned by the root of the map. A descriptor or -errno. */
static int make_root(const struct staging *staging, const struct idmap *map, struct sandbox_error *error)
{
	auto_close int root = -1;
	struct stat status;
	uint32_t uid, gid;

	if (mkdirat(staging->wrapper, "root", 0700) < 0 || fchmodat(staging->wrapper, "root", 0700, 0) < 0)
		return error_set(error, errno, "make a staging directory");
	root = openat(staging->wrapper, "root", O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (root < 0)
		return error_set(error, errno, "open a staging directory");
	if (!id_extents_lookup(&map->users, 0, &uid) || !id_extents_lookup(&map->groups, 0, &gid))
		return error_set(error, EINVAL, "the id map has no root");
	/*
	 * The host's root makes it for another user; a set-group-id directory above passes on its group. What an
	 * ordinary user may not give away, the importer takes.
	 */
	if (fstat(root, &status) < 0 ||
	    ((geteuid() == 0 || uid == geteuid()) && (status.st_uid != uid || status.st_gid != gid) &&
		    fchown(root, uid, gid) < 0))
		return error_set(error, errno, "give a staging directory to %u:%u", uid, gid);
	return take_fd(&root);
}

/* A file without a name, in which the importer sets an archive aside that it cannot read twice. */
static int make_spool(const struct staging *staging, struct sandbox_error *error)
{
	int spool = openat(staging->wrapper, "spool", O_RDWR | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);

	if (spool < 0)
		return error_set(error, errno, "make a staging file");
	(void)unlinkat(staging->wrapper, "spool", 0);
	return spool;
}

int unpack_stage(const struct unpacking *unpacking, struct importer *importer, struct staging *staging, int *out_spool,
	struct import_result *out, struct import_image *out_image, struct sandbox_error *error)
{
	const struct image_request *request = unpacking->request;
	auto_close int root = -1;
	int result = staging_create(unpacking->store, staging, error);

	if (result < 0)
		return result;
	root = make_root(staging, request->map, error);
	if (root < 0)
		return root;
	*out_spool = make_spool(staging, error);
	if (*out_spool < 0)
		return *out_spool;
	importer->program = request->importer;
	importer->map = request->map;
	importer->choice = request->choice;
	importer->progress = request->progress;
	importer->lock = staging->lock;
	importer->spool = *out_spool;
	importer->root = root;
	importer->interrupt = unpacking->interrupt;
	test_point("import-start");
	result = importer_run(importer, out, out_image, error);
	test_point("import-unpacked");
	if (result == 0)
		staging->lost = out->counts.owners_dropped;
	return result;
}

/* Reads the archive, and unpacks it unless it turns out to have layers. */
static int read_archive(struct unpacking *unpacking, struct staging *staging, struct sandbox_error *error)
{
	const struct archive_file *file = unpacking->file;
	struct importer importer = {
		.mode = file->layout >= 0 ? IMPORT_LAYOUT : IMPORT_ARCHIVE, .archive = file->fd, .layout = file->layout,
		.limits = unpacking->request->limits,
		.archive_size = S_ISREG(file->before.st_mode) ? (uint64_t)file->before.st_size : 0,
	};

	progress_begin(unpacking->request->progress, "importing %.64s", file->source);
	return unpack_stage(unpacking, &importer, staging, &unpacking->spool, &unpacking->result, &unpacking->image, error);
}

int unpack_publish(struct unpacking *unpacking, const struct digest *tree, struct staging *staging,
	struct layer_lease *out, struct sandbox_error *error)
{
	char name[LAYER_NAME_SIZE];
	int result = layer_publish(unpacking->store, tree, unpacking->request->map, staging, out, error);

	layer_name(tree, unpacking->request->map, name);
	if (result == 0 && out->made)
		sandbox_strings_add(&unpacking->made, name);
	return result;
}

/* The tree in `staging` is the image's only layer. */
static int publish_tree(struct unpacking *unpacking, struct staging *staging, struct image *out,
	struct sandbox_error *error)
{
	const struct digest *diff = &unpacking->result.diff;
	struct layer_lease lease;
	char name[LAYER_NAME_SIZE];
	int result = unpack_publish(unpacking, diff, staging, &lease, error);

	if (result < 0)
		return result;
	layer_name(diff, unpacking->request->map, name);
	image_add_layer(out, name, &lease);
	image_record_add_layer(&out->record, diff, diff, false);
	return 0;
}

static int unpack(struct unpacking *unpacking, struct image *out, struct sandbox_error *error)
{
	auto_finish(staging_finish) struct staging staging = STAGING_INIT;
	int result = read_archive(unpacking, &staging, error);

	/* Before anything is in the store; the importer has chosen among layered ones. */
	if (result == 0 && !unpacking->result.layered)
		result = image_choice_check(&unpacking->request->choice, &unpacking->image.config, error);
	if (result == 0 && !unpacking->result.layered)
		result = publish_tree(unpacking, &staging, out, error);
	/* Where it has gone into the store it is not here any more. */
	if (staging.wrapper >= 0)
		(void)staging_remove(unpacking->store, &staging, unpacking->request->map, NULL);
	if (result == 0 && unpacking->result.layered)
		result = unpack_layers(unpacking, out, error);
	return result < 0 ? error_wrap(error, "import %s", unpacking->file->source) : 0;
}

/* There is no image that they came for. */
static void take_back(struct unpacking *unpacking)
{
	for (size_t i = 0; i < unpacking->made.count; i++)
		image_take_back_layer(unpacking->store, unpacking->request->map, unpacking->made.items[i]);
}

static void unpacking_finish(struct unpacking *unpacking)
{
	sandbox_strings_finish(&unpacking->made);
	import_image_finish(&unpacking->image);
	scope_close(&unpacking->spool);
}

static int make_image(struct unpacking *unpacking, struct image *out, struct sandbox_error *error)
{
	const char *source = unpacking->request->source;
	int result = unpack(unpacking, out, error);

	if (result < 0)
		return result;
	out->record.config = unpacking->image.config;
	unpacking->image.config = (struct image_config){.user = NULL};
	fill_record(out, &unpacking->result, &unpacking->request->choice, source ? source : unpacking->file->source);
	return image_record_save(unpacking->store->root, &out->record, error);
}

int unpack_archive(struct image_store *store, struct archive_file *file, const struct image_request *request,
	const struct interrupt *interrupt, struct image *out, struct sandbox_error *error)
{
	auto_finish(unpacking_finish) struct unpacking unpacking = {
		.store = store, .file = file, .request = request, .interrupt = interrupt, .spool = -1};
	struct image image = {0};
	int result = request->before_import ? request->before_import(request->context, error) : 0;

	if (result < 0)
		return result;
	log_debug("import %s", file->source);
	result = make_image(&unpacking, &image, error);
	if (result < 0) {
		image_finish(&image);
		take_back(&unpacking);
		return result;
	}
	test_point("import-recorded");
	/* Not to have this only costs a second reading. */
	if (archive_settled(file))
		(void)identity_record(store->root, &file->before, &unpacking.result.archive, NULL);
	test_point("import-identified");
	*out = image;
	return 0;
}
