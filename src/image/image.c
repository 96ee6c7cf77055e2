#include "image/image.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "base/interrupt.h"
#include "base/log.h"
#include "base/memory.h"
#include "base/scope.h"
#include "base/strings.h"
#include "base/test_switch.h"
#include "image/identity.h"
#include "image/importer.h"
#include "image/layer.h"
#include "image/reference.h"

enum { HASH_BUFFER_SIZE = 256 << 10 };

void image_request_init(struct image_request *request, const struct idmap *map)
{
	*request = (struct image_request){.map = map, .limits = SANDBOX_IMPORT_LIMITS_DEFAULT};
}

void image_finish(struct image *image)
{
	for (size_t i = 0; i < image->lease_count; i++)
		(void)close(image->leases[i]);
	free(image->leases);
	image_record_finish(&image->record);
	sandbox_strings_finish(&image->layers);
	sandbox_strings_finish(&image->notices);
	*image = (struct image){0};
}

/* Adds the layer on top of those that the image has. Takes the lease. */
static void image_add_layer(struct image *image, const char *name, const struct layer_lease *lease)
{
	strings_take(&image->layers, memory_format("%s/root", name));
	image->leases = memory_resize(image->leases, image->lease_count + 1, sizeof(*image->leases));
	image->leases[image->lease_count++] = lease->wrapper;
	image->durable = lease->durable;
}

/* What the store has under this digest. 0, -ENOENT when the record or the layer for this map is missing, or -errno. */
static int find_stored(struct image_store *store, const char *digest, const struct idmap *map, struct image *out,
	struct sandbox_error *error)
{
	auto_finish(image_finish) struct image image = {0};
	struct layer_lease lease;
	char name[LAYER_NAME_SIZE];
	int result = image_record_load(store->root, digest, &image.record, error);

	if (result < 0)
		return result;
	layer_name(&image.record.diff, map, name);
	result = layer_lease(store, name, false, &lease, error);
	if (result < 0)
		return result;
	image_add_layer(&image, name, &lease);
	*out = image;
	image = (struct image){0};
	return 0;
}

static int find_by_identity(struct image_store *store, const struct stat *status, const struct idmap *map,
	struct image *out, struct sandbox_error *error)
{
	struct digest digest;
	int result = S_ISREG(status->st_mode) ? identity_find(store->root, status, &digest) : -ENOENT;

	return result < 0 ? result : find_stored(store, digest.hex, map, out, error);
}

/* ---- archives ---- */

struct archive_file {
	const char *source;     /* for the record: the last part of the path, or "-" */
	int fd;
	bool whole;             /* read from its very beginning: standard input may be anywhere in a file */
	struct stat before;     /* when it was opened */
	struct timespec started;
};

static int archive_is_no_file(const struct archive_file *file, struct sandbox_error *error)
{
	if (S_ISDIR(file->before.st_mode)) {
		(void)error_set(error, EISDIR, "read the archive \"%.200s\"", file->source);
		(void)error_cause(error, SANDBOX_E_ARCHIVE_FORMAT, "it is a directory");
		return error_fix(error, "tar -C DIR -c . | sandbox import --name NAME -");
	}
	(void)error_set(error, 0, "read the archive \"%.200s\"", file->source);
	return error_cause(error, SANDBOX_E_ARCHIVE_FORMAT, "it is a device or a terminal");
}

static int archive_look(struct archive_file *file, struct sandbox_error *error)
{
	(void)clock_gettime(CLOCK_REALTIME, &file->started);
	if (fstat(file->fd, &file->before) < 0)
		return error_set(error, errno, "look at the archive");
	/* Regular files, pipes and sockets end; a block device is at least of some size. */
	if (S_ISDIR(file->before.st_mode) || S_ISCHR(file->before.st_mode))
		return archive_is_no_file(file, error);
	return 0;
}

static bool archive_settled(const struct archive_file *file)
{
	struct stat after;

	return file->whole && S_ISREG(file->before.st_mode) && fstat(file->fd, &after) == 0 &&
		identity_is_settled(&file->before, &after, &file->started);
}

static int hash_file(int fd, const struct interrupt *interrupt, struct digest *out, struct sandbox_error *error)
{
	auto_free unsigned char *buffer = memory_zeroed(HASH_BUFFER_SIZE, 1);
	struct digest_stream stream;
	off_t offset = 0;

	digest_start(&stream);
	for (;;) {
		ssize_t got = pread(fd, buffer, HASH_BUFFER_SIZE, offset);

		if (interrupt_check(interrupt, error) < 0)
			return -EINTR;
		if (got < 0 && errno == EINTR)
			continue;
		if (got < 0)
			return error_set(error, errno, "read the archive");
		if (got == 0)
			break;
		digest_add(&stream, buffer, (size_t)got);
		offset += got;
	}
	digest_end(&stream, out);
	return 0;
}

static bool size_is_known(struct image_store *store, off_t size)
{
	auto_finish(image_records_finish) struct image_records records = {0};

	if (image_records_load(store->root, &records, NULL) < 0)
		return false;
	for (size_t i = 0; i < records.count; i++)
		if (records.items[i].counts.archive_bytes == (uint64_t)size)
			return true;
	return false;
}

/*
 * A file that has the size of a known image may be that image under another name or time stamp: a hash costs
 * a tenth of an import. 0, -ENOENT when it is not, or -errno.
 */
static int find_by_content(struct image_store *store, struct archive_file *file, const struct idmap *map,
	const struct interrupt *interrupt, struct image *out, struct sandbox_error *error)
{
	struct digest digest;
	int result;

	if (!S_ISREG(file->before.st_mode) || !size_is_known(store, file->before.st_size))
		return -ENOENT;
	log_debug("%s has the size of a known image: compare its digest", file->source);
	result = hash_file(file->fd, interrupt, &digest, error);
	if (result == 0)
		result = find_stored(store, digest.hex, map, out, error);
	if (result == 0 && archive_settled(file))
		(void)identity_record(store->root, &file->before, &digest, NULL);
	return result;
}

/* ---- importing ---- */

static void add_notice(struct image *image, uint64_t count, const char *what)
{
	if (count)
		strings_take(&image->notices, memory_format("%llu %s", (unsigned long long)count, what));
}

static void fill_record(struct image *image, const struct import_result *imported, const char *source)
{
	struct image_record *record = &image->record;

	record->digest = imported->archive;
	record->diff = imported->diff;
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

static int unpack(struct image_store *store, struct archive_file *file, const struct image_request *request,
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

static int import_archive(struct image_store *store, struct archive_file *file, const struct image_request *request,
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
	result = unpack(store, file, request, interrupt, &staging, &imported, error);
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

/* Another process may have brought it while we waited for the lock. */
static int find_or_import(struct image_store *store, struct archive_file *file, const struct image_request *request,
	struct image *out, struct sandbox_error *error)
{
	auto_finish(interrupt_release) struct interrupt interrupt = INTERRUPT_INIT;
	bool shared = S_ISREG(file->before.st_mode);
	auto_close int lock = shared ? store_lock_archive(store, &file->before, error) : -1;
	int result;

	if (shared && lock < 0)
		return lock;
	/* From here on there is something to take back: the lock, and then a half-unpacked archive. */
	result = interrupt_hold(&interrupt, error);
	test_point("import-locked");
	if (result == 0) {
		(void)store_sweep(store, request->map, NULL);
		result = find_by_identity(store, &file->before, request->map, out, error);
	}
	if (result == -ENOENT)
		result = find_by_content(store, file, request->map, &interrupt, out, error);
	if (result == -ENOENT)
		result = import_archive(store, file, request, &interrupt, out, error);
	store_unlock_archive(store, &file->before, &lock);
	return result;
}

static int open_error(const char *path, int code, struct sandbox_error *error)
{
	(void)error_set(error, code, "open the archive %.300s", path);
	if (code != ENOENT)
		return -code;
	(void)error_cause(error, SANDBOX_E_IMAGE_UNKNOWN, "there is no such file");
	return error_fix(error, "make one: `docker export`, `podman export`, or `tar -C DIR -cf FILE .`");
}

static int resolve_path(struct image_store *store, const char *path, const struct image_request *request,
	struct image *out, struct sandbox_error *error)
{
	const char *slash = strrchr(path, '/');
	const char *source = slash && slash[1] ? slash + 1 : path;
	struct archive_file file = {.source = source, .fd = -1, .whole = true};
	auto_close int fd = -1;
	struct stat status;
	int result;

	if (stat(path, &status) == 0 && find_by_identity(store, &status, request->map, out, NULL) == 0)
		return 0;
	fd = file.fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY);
	if (fd < 0)
		return open_error(path, errno, error);
	result = archive_look(&file, error);
	return result < 0 ? result : find_or_import(store, &file, request, out, error);
}

static int resolve_input(struct image_store *store, const struct image_request *request, struct image *out,
	struct sandbox_error *error)
{
	auto_finish(interrupt_release) struct interrupt interrupt = INTERRUPT_INIT;
	struct archive_file file = {.source = "-", .fd = STDIN_FILENO};
	int result = archive_look(&file, error);

	if (result == 0)
		result = interrupt_hold(&interrupt, error);
	return result < 0 ? result : import_archive(store, &file, request, &interrupt, out, error);
}

static int resolve_stored(struct image_store *store, const char *reference, const struct digest *digest,
	const struct image_request *request, struct image *out, struct sandbox_error *error)
{
	int result = find_stored(store, digest->hex, request->map, out, error);

	if (result != -ENOENT)
		return result;
	(void)error_set(error, 0, "the image \"%.128s\" has no files for this id map", reference);
	(void)error_cause(error, SANDBOX_E_IMAGE_UNKNOWN, "it was imported for other user ids (--userns, /etc/subuid), or "
		"a power cut came before it was on the disk");
	return error_fix(error, "import its archive again");
}

int image_resolve(struct image_store *store, const char *reference, const struct image_request *request,
	struct image *out, struct sandbox_error *error)
{
	auto_finish(image_finish) struct image image = {0};
	struct digest digest;
	int result;

	(void)store_sweep(store, request->map, NULL);
	switch (reference_kind(reference, request->archive_only)) {
	case REFERENCE_INPUT:
		result = resolve_input(store, request, &image, error);
		break;
	case REFERENCE_PATH:
		result = resolve_path(store, reference, request, &image, error);
		break;
	default:
		result = reference_find(store, reference, &digest, error);
		if (result == 0)
			result = resolve_stored(store, reference, &digest, request, &image, error);
	}
	if (result == 0 && request->name)
		result = store_name_set(store, request->name, &image.record.digest, error);
	if (result == 0 && request->durable)
		result = image_make_durable(store, &image, error);
	if (result < 0)
		return result;
	*out = image;
	image = (struct image){0};
	return 0;
}

int image_make_durable(struct image_store *store, struct image *image, struct sandbox_error *error)
{
	(void)store;
	for (size_t i = 0; i < image->lease_count; i++) {
		int result = layer_make_durable(image->leases[i], error);

		if (result < 0)
			return result;
	}
	image->durable = true;
	return 0;
}

int image_find(struct image_store *store, const char *reference, struct image_record *out,
	struct sandbox_error *error)
{
	struct digest digest;
	int result = reference_find(store, reference, &digest, error);

	return result < 0 ? result : image_record_load(store->root, digest.hex, out, error);
}
