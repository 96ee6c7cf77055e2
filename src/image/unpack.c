#include "image/unpack.h"

#include <fcntl.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "base/log.h"
#include "base/memory.h"
#include "base/scope.h"
#include "base/strings.h"
#include "base/test_switch.h"
#include "image/identity.h"
#include "image/importer.h"
#include "image/layer.h"
#include "image/lease.h"

static void add_notice(struct image *image, uint64_t count, const char *what)
{
	if (count)
		strings_take(&image->notices, memory_format("%llu %s", (unsigned long long)count, what));
}

static void fill_record(struct image *image, const struct import_result *imported, const char *source)
{
	struct image_record *record = &image->record;

	record->digest = imported->archive;
	image_record_add_layer(record, &imported->diff, &imported->diff);
	record->source = memory_text(source);
	memcpy(record->compression, imported->compression, sizeof(record->compression));
	record->created = (int64_t)time(NULL);
	record->counts = imported->counts;
	add_notice(image, record->counts.devices_missed, "device nodes outside /dev were left out");
	add_notice(image, record->counts.attributes_dropped, "extended attributes or ACLs were left out");
	add_notice(image, record->counts.owners_dropped, "owners of symbolic links and FIFOs were left out: "
		"with a single id they cannot be recorded");
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

static int run_importer(struct image_store *store, struct archive_file *file, const struct image_request *request,
	const struct interrupt *interrupt, struct staging *staging, struct import_result *out,
	struct sandbox_error *error)
{
	auto_close int root = -1;
	struct importer importer = {
		.program = request->importer, .map = request->map, .archive = file->fd, .limits = request->limits,
		.progress = request->progress,
		.archive_size = S_ISREG(file->before.st_mode) ? (uint64_t)file->before.st_size : 0,
	};
	int result = staging_create(store, staging, error);

	if (result < 0)
		return result;
	root = make_root(staging, request->map, error);
	if (root < 0)
		return root;
	importer.lock = staging->lock;
	importer.root = root;
	importer.interrupt = interrupt;
	test_point("import-start");
	result = importer_run(&importer, out, error);
	test_point("import-unpacked");
	return result;
}

int unpack_archive(struct image_store *store, struct archive_file *file, const struct image_request *request,
	const struct interrupt *interrupt, struct image *out, struct sandbox_error *error)
{
	auto_finish(staging_finish) struct staging staging = STAGING_INIT;
	auto_finish(image_finish) struct image image = {0};
	struct import_result imported;
	struct layer_lease lease;
	char name[LAYER_NAME_SIZE];
	int result;

	result = request->before_import ? request->before_import(request->context, error) : 0;
	if (result < 0)
		return result;
	log_debug("import %s", file->source);
	result = run_importer(store, file, request, interrupt, &staging, &imported, error);
	if (result < 0) {
		if (staging.wrapper >= 0)
			(void)staging_remove(store, &staging, request->map, NULL);
		return error_wrap(error, "import %s", file->source);
	}
	result = layer_publish(store, &imported.diff, request->map, &staging, &lease, error);
	if (result < 0) {
		if (staging.wrapper >= 0)
			(void)staging_remove(store, &staging, request->map, NULL);
		return result;
	}
	layer_name(&imported.diff, request->map, name);
	image_add_layer(&image, name, &lease);
	fill_record(&image, &imported, file->source);
	result = image_record_save(store->root, &image.record, error);
	if (result < 0)
		return result;
	test_point("import-recorded");
	/* Not to have this only costs a second reading. */
	if (archive_settled(file))
		(void)identity_record(store->root, &file->before, &image.record.digest, NULL);
	test_point("import-identified");
	*out = image;
	image = (struct image){0};
	return 0;
}
