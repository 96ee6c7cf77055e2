#include "image/image.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/log.h"
#include "base/memory.h"
#include "base/progress.h"
#include "base/scope.h"
#include "base/strings.h"
#include "base/test_switch.h"
#include "image/archive_file.h"
#include "image/folder.h"
#include "image/identity.h"
#include "image/image_copy.h"
#include "image/lease.h"
#include "image/reference.h"
#include "image/unpack.h"

void image_request_init(struct image_request *request, const struct idmap *map)
{
	*request = (struct image_request){.map = map, .limits = SANDBOX_IMPORT_LIMITS_DEFAULT};
}

/*
 * What the store has under this digest. 0, -ENOENT when the record or a layer for this map is missing, or -errno. With
 * `wait`, a layer that somebody looks at who might remove it is waited for.
 */
static int find_stored(struct image_store *store, const char *digest, const struct idmap *map, bool wait,
	struct image *out, struct sandbox_error *error)
{
	auto_finish(image_finish) struct image image = {0};
	int result = image_record_load(store->root, digest, &image.record, error);

	if (result == 0)
		result = image_lease_layers(store, &image, map, wait, error);
	if (result < 0)
		return result;
	*out = image;
	image = (struct image){0};
	return 0;
}

void image_key(const struct digest *archive, const struct import_choice *choice, struct digest *out)
{
	auto_free char *text = NULL;

	*out = *archive;
	if (!image_is_chosen(choice))
		return;
	text = memory_format("%s %s/%s/%s %s", archive->hex, choice->os, choice->architecture, choice->variant,
		choice->reference);
	digest_of(text, strlen(text), out);
}

/*
 * The same, or its tree for other ids is copied: that takes two thirds of the time that unpacking does, with nothing
 * to be decompressed and no digest to be made, and needs no archive.
 */
static int find_or_copy(struct image_store *store, const char *digest, const struct image_request *request,
	const struct interrupt *interrupt, struct image *out, struct sandbox_error *error)
{
	int result = find_stored(store, digest, request->map, true, out, error);

	if (result != -ENOENT)
		return result;
	error_clear(error);
	return image_copy(store, digest, request, interrupt, out, error);
}

/* What the image of this file is called in the store, when the file is known. 0 or -ENOENT. */
static int find_key(struct image_store *store, const struct stat *status, const struct image_request *request,
	struct digest *out)
{
	struct digest archive;
	bool knowable = S_ISREG(status->st_mode) && !request->choice.number;
	int result = knowable ? identity_find(store->root, status, &archive) : -ENOENT;

	if (result == 0)
		image_key(&archive, &request->choice, out);
	return result;
}

/*
 * A file that has the size of a known image may be that image under another name or time stamp: a hash costs
 * a tenth of an import. 0, -ENOENT when it is not, or -errno.
 */
static int find_by_content(struct image_store *store, struct archive_file *file, const struct image_request *request,
	const struct interrupt *interrupt, struct image *out, struct sandbox_error *error)
{
	struct digest digest, key;
	int result;

	if (!S_ISREG(file->before.st_mode) || request->choice.number ||
	    !image_records_have_size(store->root, (uint64_t)file->before.st_size))
		return -ENOENT;
	log_debug("%s has the size of a known image: compare its digest", file->source);
	result = archive_hash(file, interrupt, request->progress, &digest, error);
	if (result < 0)
		return result;
	image_key(&digest, &request->choice, &key);
	result = find_or_copy(store, key.hex, request, interrupt, out, error);
	if (result == 0 && archive_settled(file))
		(void)identity_record(store->root, &file->before, &digest, NULL);
	return result;
}

/* Another process may have brought it while we waited for the lock. */
static int find_or_import(struct image_store *store, struct archive_file *file, const struct image_request *request,
	struct image *out, struct sandbox_error *error)
{
	auto_finish(interrupt_release) struct interrupt interrupt = INTERRUPT_INIT;
	bool shared = S_ISREG(file->before.st_mode);
	auto_close int lock = shared ? store_lock_archive(store, &file->before, request->progress, error) : -1;
	struct digest key;
	int result;

	if (shared && lock < 0)
		return lock;
	/* From here on there is something to take back: the lock, and then a half-unpacked archive. */
	result = interrupt_hold(&interrupt, error);
	test_point("import-locked");
	if (result == 0) {
		(void)store_sweep(store, request->map, NULL);
		result = find_key(store, &file->before, request, &key);
	}
	if (result == 0)
		result = find_or_copy(store, key.hex, request, &interrupt, out, error);
	else if (result == -ENOENT)
		result = find_by_content(store, file, request, &interrupt, out, error);
	/* The archive says again what a damaged record does not. */
	if (result == -ENOENT || result == -EUCLEAN)
		result = unpack_archive(store, file, request, &interrupt, out, error);
	store_unlock_archive(store, &file->before, &lock);
	return result;
}

static int open_error(const char *path, int code, struct sandbox_error *error)
{
	(void)error_set(error, code, "open the archive %.300s", path);
	if (code == EACCES || code == ENOTDIR || code == ELOOP) {
		(void)error_cause(error, SANDBOX_E_IMAGE_UNKNOWN, "%s", code == EACCES ? "you may not read it"
			: code == ENOTDIR ? "something on its path is no folder" : "its links go round in circles");
		return error_fix(error, "check the path and its modes");
	}
	if (code != ENOENT)
		return -code;
	(void)error_cause(error, SANDBOX_E_IMAGE_UNKNOWN, "there is no such file");
	if (reference_kind(path, false) == REFERENCE_NAME_OR_PATH)
		return error_fix(error, "fetch it, if it is one of a registry: "
			"skopeo copy docker://%.200s oci-archive:FILE, then sandbox run FILE", path);
	return error_fix(error, "make one: `docker export`, `podman export`, or `tar -C DIR -cf FILE .`");
}

static int resolve_path(struct image_store *store, const char *path, const struct image_request *request,
	struct image *out, struct sandbox_error *error)
{
	const char *slash = strrchr(path, '/');
	const char *source = request->source ? request->source : slash && slash[1] ? slash + 1 : path;
	struct archive_file file = {.source = source, .fd = -1, .layout = -1, .whole = true};
	struct digest key;
	auto_close int fd = -1;
	struct stat status;
	int result;

	if (stat(path, &status) == 0 && find_key(store, &status, request, &key) == 0 &&
	    find_stored(store, key.hex, request->map, false, out, NULL) == 0)
		return 0;
	fd = file.fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY);
	if (fd < 0)
		return open_error(path, errno, error);
	result = archive_look(&file, error);
	if (result == 0 && store->root < 0)
		return request->before_import(request->context, error);
	return result < 0 ? result : find_or_import(store, &file, request, out, error);
}

/* A folder with an index.json beside its oci-layout: image-layout.md. */
static bool is_layout(const char *path)
{
	auto_close int folder = -1;
	struct stat status;

	if (stat(path, &status) < 0 || !S_ISDIR(status.st_mode))
		return false;
	folder = open(path, O_PATH | O_DIRECTORY | O_CLOEXEC);
	return folder >= 0 && fstatat(folder, "oci-layout", &status, AT_SYMLINK_NOFOLLOW) == 0 && S_ISREG(status.st_mode) &&
		fstatat(folder, "index.json", &status, AT_SYMLINK_NOFOLLOW) == 0 && S_ISREG(status.st_mode);
}

/* index.json names everything else by its digest, so it stands for the whole folder. */
static int resolve_layout(struct image_store *store, const char *path, const struct image_request *request,
	struct image *out, struct sandbox_error *error)
{
	auto_free char *source = memory_text(path);
	auto_close int folder = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC), index = -1;
	struct archive_file file = {.fd = -1, .layout = folder, .whole = true};
	struct digest key;
	struct stat status;
	int result;

	if (folder < 0)
		return error_set(error, errno, "open the OCI layout %.300s", path);
	for (size_t length = strlen(source); length > 1 && source[length - 1] == '/'; length--)
		source[length - 1] = '\0';
	file.source = strrchr(source, '/') ? strrchr(source, '/') + 1 : source;
	if (fstatat(folder, "index.json", &status, AT_SYMLINK_NOFOLLOW) == 0 &&
	    find_key(store, &status, request, &key) == 0 && find_stored(store, key.hex, request->map, false, out, NULL) == 0)
		return 0;
	index = file.fd = openat(folder, "index.json", O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
	if (index < 0)
		return error_set(error, errno, "open the index.json of %.300s", path);
	result = archive_look(&file, error);
	return result < 0 ? result : find_or_import(store, &file, request, out, error);
}

static int resolve_folder(struct image_store *store, const char *path, const struct image_request *request,
	struct image *out, struct sandbox_error *error)
{
	int folder = folder_open(store, path, request->map, request->home, error);

	if (folder >= 0)
		image_be_folder(out, folder);
	return folder < 0 ? folder : 0;
}

static bool is_folder(const char *path, const struct image_request *request)
{
	struct stat status;

	return !request->archive_only && stat(path, &status) == 0 && S_ISDIR(status.st_mode);
}

static int resolve_input(struct image_store *store, const struct image_request *request, struct image *out,
	struct sandbox_error *error)
{
	auto_finish(interrupt_release) struct interrupt interrupt = INTERRUPT_INIT;
	struct archive_file file = {.source = "-", .fd = STDIN_FILENO, .layout = -1};
	int result = archive_look(&file, error);

	if (result == 0)
		result = interrupt_hold(&interrupt, error);
	return result < 0 ? result : unpack_archive(store, &file, request, &interrupt, out, error);
}

/* What is known of why goes on being the cause. */
static int explain_missing(const char *reference, struct sandbox_error *error)
{
	struct sandbox_error why = error ? *error : (struct sandbox_error){0};

	(void)error_set(error, 0, "the image \"%.128s\" has no files for this id map", reference);
	(void)error_cause(error, SANDBOX_E_IMAGE_UNKNOWN, "%s", why.cause[0] ? why.cause :
		"a power cut came before they were on the disk, or an older version unpacked them");
	return error_fix(error, "import its archive again: sandbox import FILE");
}

static int resolve_stored(struct image_store *store, const char *reference, const struct digest *digest,
	const struct image_request *request, struct image *out, struct sandbox_error *error)
{
	auto_finish(interrupt_release) struct interrupt interrupt = INTERRUPT_INIT;
	int result = find_stored(store, digest->hex, request->map, false, out, error);

	if (result == -ENOENT)
		result = interrupt_hold(&interrupt, error);
	if (result == 0 && interrupt.fd >= 0)
		result = find_or_copy(store, digest->hex, request, &interrupt, out, error);
	if (result != -ENOENT)
		return result;
	return explain_missing(reference, error);
}

/*
 * The archive's own names for it, but for those that another image has: an archive shall not exchange what the user runs.
 */
static int name_as_archive_does(struct image_store *store, struct image *image, struct sandbox_error *error)
{
	const struct sandbox_strings *names = &image->record.config.names;
	auto_free struct store_name *changes = memory_zeroed(names->count + 1, sizeof(*changes));
	size_t count = 0;

	for (size_t i = 0; i < names->count; i++) {
		struct digest other;
		int found = image_name_is_valid(names->items[i]) ? store_name_find(store, names->items[i], &other) : -EINVAL;

		if (found == -EINVAL)
			strings_take(&image->notices,
				memory_format("the archive's name for it, \"%.200s\", is none here", names->items[i]));
		else if (found == -ENOENT)
			changes[count++] =
				(struct store_name){names->items[i], image->record.digest, &image->record};
		else if (found < 0)
			return error_set(error, -found, "read the name %.200s", names->items[i]);
		else if (strcmp(other.hex, image->record.digest.hex) != 0)
			strings_take(&image->notices, memory_format("%s stays the name of another image; choose one with --name, "
				"or take it with `sandbox load`", names->items[i]));
	}
	return count ? store_names_change(store, changes, count, error) : 0;
}

int image_name(struct image_store *store, const struct image *image, const char *name, struct sandbox_error *error)
{
	const struct store_name change = {(char *)name, image->record.digest, &image->record};

	return store_names_change(store, &change, 1, error);
}

/* Whatever was about to be written where there is no room, and has no better explanation. */
static int explain_full(int result, struct sandbox_error *error)
{
	if (result < 0)
		(void)image_store_explain_full(error);
	return result;
}

static int resolve_file(struct image_store *store, const char *path, const struct image_request *request,
	struct image *out, struct sandbox_error *error)
{
	if (is_layout(path))
		return resolve_layout(store, path, request, out, error);
	if (is_folder(path, request))
		return resolve_folder(store, path, request, out, error);
	return resolve_path(store, path, request, out, error);
}

/* A folder goes by its bare name, too, where no image does. */
static int resolve_name(struct image_store *store, const char *reference, const struct image_request *request,
	struct image *out, struct sandbox_error *error)
{
	struct digest digest;
	int result = reference_find(store, reference, &digest, error);

	if (result == -ENOENT && (is_layout(reference) || is_folder(reference, request)))
		return resolve_file(store, reference, request, out, error);
	return result < 0 ? result : resolve_stored(store, reference, &digest, request, out, error);
}

static int resolve_reference(struct image_store *store, const char *reference, const struct image_request *request,
	struct image *out, struct sandbox_error *error)
{
	struct digest digest;

	switch (reference_kind(reference, request->archive_only)) {
	case REFERENCE_INPUT:
		return resolve_input(store, request, out, error);
	case REFERENCE_PATH:
		return resolve_file(store, reference, request, out, error);
	case REFERENCE_NAME_OR_PATH:
		if (store->root < 0 || reference_find(store, reference, &digest, NULL) < 0)
			return resolve_file(store, reference, request, out, error);
		return resolve_stored(store, reference, &digest, request, out, error);
	default:
		return resolve_name(store, reference, request, out, error);
	}
}

static int name_image(struct image_store *store, const struct image_request *request, struct image *image,
	struct sandbox_error *error)
{
	if (request->name)
		return image_name(store, image, request->name, error);
	return request->name_from_archive ? name_as_archive_does(store, image, error) : 0;
}

static int make_durable_visibly(struct image_store *store, const struct image_request *request, struct image *image,
	struct sandbox_error *error)
{
	int result;

	progress_begin(request->progress, "bringing it to the disk");
	result = image_make_durable(store, image, error);
	progress_done(request->progress);
	return result;
}

int image_resolve(struct image_store *store, const char *reference, const struct image_request *request,
	struct image *out, struct sandbox_error *error)
{
	auto_finish(image_finish) struct image image = {0};
	int result;

	if (store->root >= 0)
		(void)store_sweep(store, request->map, NULL);
	result = resolve_reference(store, reference, request, &image, error);
	if (result == 0)
		result = image_choice_check(&request->choice, &image.record.config, error);
	if (result == 0)
		result = name_image(store, request, &image, error);
	if (result == 0 && request->durable)
		result = make_durable_visibly(store, request, &image, error);
	if (result < 0)
		return explain_full(result, error);
	if (!image.folder)
		image_record_touch(store->root, &image.record);
	*out = image;
	image = (struct image){0};
	return 0;
}

int image_find(struct image_store *store, const char *reference, struct image_record *out,
	struct sandbox_error *error)
{
	struct digest digest;
	int result = reference_find(store, reference, &digest, error);

	return result < 0 ? result : image_record_load(store->root, digest.hex, out, error);
}
