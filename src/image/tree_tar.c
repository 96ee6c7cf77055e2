#include "image/tree_tar.h"

#include <endian.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/capability.h>
#include <linux/limits.h>
#include <stdlib.h>
#include <string.h>
#include <sys/xattr.h>
#include <unistd.h>

#include "base/memory.h"
#include "base/scope.h"
#include "base/text.h"
#include "image/layer_notes.h"
#include "image/layer_path.h"
#include "image/owner.h"
#include "image/protocol.h"
#include "image/tar_links.h"
#include "image/tar_sparse.h"

enum { ATTRIBUTES_MAX = 1024, VALUES_SIZE_MAX = 1 << 20 };

static const char whiteout_prefix[] = ".wh.";
static const char opaque_name[] = ".wh..wh..opq";

/* ---- one tree on its way ---- */

struct work {
	const struct tree_tar *tree;
	struct tree_tar_counts counts;
	struct tar_links links;
	struct tar_sparse sparse; /* of the present file */
	struct layer_path layers; /* of the present directory */
	/* Of the present object; the names and values lie in `buffer`. */
	struct tar_attribute attributes[ATTRIBUTES_MAX];
	size_t attribute_count;
	bool opaque;
	char *names;  /* XATTR_LIST_MAX bytes */
	char *values; /* VALUES_SIZE_MAX bytes */
	size_t values_used;
	char target[PATH_MAX];
	dev_t device; /* of the tree's root */
};

static void work_free(struct work **slot)
{
	struct work *work = *slot;

	if (!work)
		return;
	tar_links_finish(&work->links);
	tar_sparse_finish(&work->sparse);
	layer_path_finish(&work->layers);
	free(work->names);
	free(work->values);
	free(work);
}

static struct work *work_new(const struct tree_tar *tree)
{
	auto_finish(work_free) struct work *work = calloc(1, sizeof(*work));

	if (!work)
		return NULL;
	work->tree = tree;
	work->layers.roots = tree->layers;
	work->layers.root_count = tree->layer_count;
	work->names = malloc(XATTR_LIST_MAX);
	work->values = malloc(VALUES_SIZE_MAX);
	return work->names && work->values ? take_ptr(work) : NULL;
}

static int object_failed(int code, const char *path, const char *doing, struct sandbox_error *error)
{
	return error_set(error, code, "%s \"/%.200s\"", doing, path);
}

static void report(const struct work *work)
{
	if (work->tree->progress)
		work->tree->progress(work->tree->context, &work->counts);
}

/* ---- attributes ---- */

static bool is_written(const char *name)
{
	if (strcmp(name, "security.capability") == 0)
		return true;
	return text_starts_with(name, "user.") && !text_starts_with(name, "user.overlay.") &&
		!text_starts_with(name, "user.containers.");
}

/* What belongs to the machine or to us is nothing that the file would miss. */
static bool is_missed(const char *name)
{
	return text_starts_with(name, "system.posix_acl_") || is_written(name);
}

/* One for whichever user namespace it comes to: version 2 of capabilities(7). */
static bool is_capability(const char *value, size_t size)
{
	uint32_t revision;

	if (size != XATTR_CAPS_SZ_2)
		return false;
	memcpy(&revision, value, sizeof(revision));
	return (le32toh(revision) & VFS_CAP_REVISION_MASK) == VFS_CAP_REVISION_2;
}

static int read_attribute(struct work *work, int fd, const char *name, const char *path, struct sandbox_error *error)
{
	bool capability = work->tree->recorded && strcmp(name, OVERRIDE_CAPABILITY_ATTRIBUTE) == 0;
	char *value = work->values + work->values_used;
	ssize_t size;

	/* The format ends a name at its first "=". */
	if ((!is_written(name) && !capability) || strchr(name, '=') || work->attribute_count == ATTRIBUTES_MAX) {
		work->counts.attributes += is_missed(name);
		return 0;
	}
	size = fgetxattr(fd, name, value, VALUES_SIZE_MAX - work->values_used);
	if (size < 0 && errno == ENODATA)
		return 0;
	/* EOVERFLOW: a capability that is good for the root of another user namespace. */
	if (size < 0 && (errno == EOVERFLOW || errno == ERANGE)) {
		work->counts.attributes++;
		return 0;
	}
	if (size < 0)
		return object_failed(errno, path, "read the attributes of", error);
	/* Whoever is root in a sandbox can write it, and nobody would take an archive with a damaged one. */
	if (capability && !is_capability(value, (size_t)size)) {
		work->counts.attributes++;
		return 0;
	}
	work->attributes[work->attribute_count++] = (struct tar_attribute){
		capability ? "security.capability" : name, value, (size_t)size};
	work->values_used += (size_t)size;
	return 0;
}

static int compare_attributes(const void *left, const void *right)
{
	return strcmp(((const struct tar_attribute *)left)->name, ((const struct tar_attribute *)right)->name);
}

static int read_attributes(struct work *work, int fd, const char *path, struct sandbox_error *error)
{
	ssize_t size = fd < 0 ? 0 : flistxattr(fd, work->names, XATTR_LIST_MAX);
	int result = 0;

	work->attribute_count = work->values_used = 0;
	work->opaque = false;
	if (size < 0)
		return errno == ENOTSUP ? 0 : object_failed(errno, path, "list the attributes of", error);
	for (const char *name = work->names; name < work->names + size && result == 0; name += strlen(name) + 1) {
		if (strcmp(name, OVERLAY_OPAQUE_ATTRIBUTE) == 0)
			work->opaque = layer_path_is_opaque(fd);
		result = read_attribute(work, fd, name, path, error);
	}
	if (work->attribute_count)
		qsort(work->attributes, work->attribute_count, sizeof(*work->attributes), compare_attributes);
	return result;
}

/* ---- content ---- */

/* What is missing by now was promised in the header, and is zeros: *cut. */
static int write_extent(struct work *work, const struct tree_node *node, const struct tar_extent *extent, bool *cut,
	struct sandbox_error *error)
{
	struct tar_writer *writer = work->tree->writer;
	uint64_t offset = extent->offset, size = extent->size;
	bool ended = false;

	while (size) {
		unsigned char *place;
		size_t room;
		ssize_t got = 0;
		int result = tar_reserve(writer, &place, &room, error);

		if (result < 0)
			return result;
		room = room < size ? room : (size_t)size;
		if (!ended)
			got = pread(node->fd, place, room, (off_t)offset);
		if (got < 0 && errno == EINTR)
			continue;
		if (got < 0)
			return object_failed(errno, node->path, "read", error);
		if (got == 0) {
			*cut = ended = true;
			memset(place, 0, room);
			got = (ssize_t)room;
		}
		tar_commit(writer, (size_t)got);
		offset += (uint64_t)got;
		size -= (uint64_t)got;
		work->counts.bytes = writer->size;
		report(work);
	}
	return 0;
}

/* Where a hole was found in the place of what had gone, no read met the end. */
static bool is_shortened(const struct tree_node *node, const struct tar_entry *entry)
{
	struct stat now;

	return fstat(node->fd, &now) < 0 || (uint64_t)now.st_size < entry->size;
}

static int write_content(struct work *work, const struct tree_node *node, const struct tar_entry *entry,
	struct sandbox_error *error)
{
	const struct tar_extent whole = {0, entry->size};
	const struct tar_extent *extents = entry->sparse ? entry->extents : &whole;
	size_t count = entry->sparse ? entry->extent_count : 1;
	bool cut = false;
	int result = 0;

	for (size_t i = 0; i < count && result == 0; i++)
		result = write_extent(work, node, &extents[i], &cut, error);
	work->counts.changed += cut || is_shortened(node, entry);
	return result < 0 ? result : tar_pad(work->tree->writer, error);
}

/* ---- names ---- */

/* A path in the archive. The caller frees. */
static char *name_in_archive(const struct work *work, const char *path, bool directory)
{
	const char *prefix = work->tree->prefix;

	return memory_format("%s%s%s%s", *prefix ? prefix : *path ? "" : ".", *prefix && *path ? "/" : "", path,
		directory ? "/" : "");
}

/* "d/.wh.NAME" for "d/NAME". The caller frees. */
static char *name_of_deletion(const struct work *work, const struct tree_node *node)
{
	int parent = (int)(strlen(node->path) - strlen(node->name));
	auto_free char *path = memory_format("%.*s%s%s", parent, node->path, whiteout_prefix, node->name);

	return name_in_archive(work, path, false);
}

/* ---- entries ---- */

static int write_marker(struct work *work, const char *path, const struct stat *status, struct sandbox_error *error)
{
	const struct tar_entry entry = {.path = path, .mode = S_IFREG, .modified = {status->st_mtim.tv_sec, 0}};

	work->counts.entries++;
	return tar_header(work->tree->writer, &entry, error);
}

static int write_deletion(struct work *work, const struct tree_node *node, struct sandbox_error *error)
{
	static const struct stat never = {.st_mode = 0};
	auto_free char *path = name_of_deletion(work, node);

	/* Nobody knows when it was deleted. */
	return write_marker(work, path, &never, error);
}

static int read_target(struct work *work, const struct tree_node *node, struct tar_entry *entry, struct sandbox_error *error)
{
	ssize_t length = readlinkat(node->directory, node->name, work->target, sizeof(work->target));

	if (length < 0 || length == sizeof(work->target))
		return object_failed(length < 0 ? errno : ENAMETOOLONG, node->path, "read the link", error);
	work->target[length] = '\0';
	entry->link = work->target;
	return 0;
}

/* The trees whose notes count, at the directory `path`, of which `own` is the one that is being written. */
static int find_notes(struct work *work, const char *path, const int *own, struct layer_notes *out)
{
	int result = 0;

	*out = (struct layer_notes){own, 1};
	if (work->tree->noted)
		return 0;
	if (work->layers.root_count)
		result = layer_path_enter(&work->layers, path);
	*out = (struct layer_notes){work->layers.directories, work->layers.count};
	return result;
}

/* Of what takes no attributes of its own. */
static int read_noted_owner(struct work *work, const struct tree_node *node, struct file_owner *out)
{
	size_t length = strlen(node->path) - strlen(node->name);
	auto_free char *parent = memory_text_n(node->path, length ? length - 1 : 0);
	struct layer_notes notes;
	int result = find_notes(work, parent, &node->directory, &notes);

	return result < 0 ? result : layer_notes_owner(&notes, node->name, &node->status, out);
}

static int fill_owner(struct work *work, const struct tree_node *node, struct tar_entry *entry, struct sandbox_error *error)
{
	struct file_owner owner;
	int result = 0;

	if (work->tree->recorded && node->fd < 0)
		result = read_noted_owner(work, node, &owner);
	else if (work->tree->recorded)
		result = file_owner_read(node->fd, &node->status, &owner);
	else
		owner = (struct file_owner){node->status.st_uid, node->status.st_gid, node->status.st_mode & 07777};
	if (result < 0)
		return object_failed(-result, node->path, "find out whose it is:", error);
	entry->uid = owner.uid;
	entry->gid = owner.gid;
	entry->mode = (node->status.st_mode & S_IFMT) | owner.mode;
	return 0;
}

static int fill_entry(struct work *work, const struct tree_node *node, struct tar_entry *entry, struct sandbox_error *error)
{
	int result = fill_owner(work, node, entry, error);

	entry->modified = node->status.st_mtim;
	entry->device = node->status.st_rdev;
	if (result == 0)
		result = read_attributes(work, node->fd, node->path, error);
	entry->attributes = work->attributes;
	entry->attribute_count = work->attribute_count;
	if (result == 0 && S_ISLNK(entry->mode))
		return read_target(work, node, entry, error);
	if (result < 0 || !S_ISREG(entry->mode))
		return result;
	entry->size = (uint64_t)node->status.st_size;
	if (tar_sparse_find(&work->sparse, node->fd, &node->status) < 0)
		return object_failed(errno, node->path, "look for the holes of", error);
	entry->sparse = work->sparse.found;
	entry->extents = work->sparse.items;
	entry->extent_count = work->sparse.count;
	return 0;
}

/* Whether no archive listed it: then it is none of this layer's. */
static bool is_unlisted_root(const struct work *work, const struct tar_entry *entry)
{
	return work->tree->base < 0 && entry->modified.tv_sec == 0 && (entry->mode & 07777) == 0755 && !entry->uid &&
		!entry->gid && !entry->attribute_count;
}

/* A compared root has a directory of its own in the writable layer, of which nothing else is to be said. */
static bool is_same_root(const struct work *work, const struct tar_entry *entry)
{
	struct stat base;

	return work->tree->base >= 0 && fstat(work->tree->base, &base) == 0 && base.st_uid == entry->uid &&
		base.st_gid == entry->gid && (base.st_mode & 07777) == (entry->mode & 07777);
}

static int refuse_name(const char *path, struct sandbox_error *error)
{
	(void)error_set(error, EINVAL, "write \"/%.200s\" into a layer", path);
	(void)error_cause(error, SANDBOX_E_LAYER_NAME, "in a layer, a name that begins with \".wh.\" deletes a file");
	return error_fix(error, "give the file another name, or use `sandbox export`, where names are names");
}

struct device_place {
	struct work *work;
	const char *directory; /* in the archive, with its slash; "" for the root of a tree that has no prefix */
};

static int write_device(void *context, const struct note *note, struct sandbox_error *error)
{
	const struct device_place *place = context;
	auto_free char *path = memory_format("%s%s", place->directory, note->name);
	const struct tar_entry entry = {.path = path, .mode = note->type | note->owner.mode, .uid = note->owner.uid,
		.gid = note->owner.gid, .device = note->device, .modified = {note->modified, 0}};

	if (place->work->tree->form == TREE_TAR_LAYER && text_starts_with(note->name, whiteout_prefix))
		return refuse_name(path, error);
	place->work->counts.entries++;
	return tar_header(place->work->tree->writer, &entry, error);
}

static int write_devices(struct work *work, const struct tree_node *node, const struct tar_entry *entry,
	struct sandbox_error *error)
{
	struct device_place place = {work, *node->path || *work->tree->prefix ? entry->path : ""};
	struct layer_notes notes;
	int result = find_notes(work, node->path, &node->fd, &notes);

	if (result < 0)
		return object_failed(-result, node->path, "look for what is noted of", error);
	return layer_notes_devices(&notes, node->fd, write_device, &place, error);
}

static int write_directory(struct work *work, const struct tree_node *node, struct tar_entry *entry,
	struct sandbox_error *error)
{
	bool layer = work->tree->form == TREE_TAR_LAYER;
	bool silent = layer && !*node->path && (is_unlisted_root(work, entry) || is_same_root(work, entry));
	auto_free char *marker = NULL;
	int result = 0;

	if (!silent) {
		work->counts.entries++;
		result = tar_header(work->tree->writer, entry, error);
	}
	if (result == 0 && layer && work->opaque) {
		marker = memory_format("%s%s", *node->path ? entry->path : "", opaque_name);
		result = write_marker(work, marker, &node->status, error);
	}
	return result < 0 ? result : write_devices(work, node, entry, error);
}

static int links_failed(int code, struct sandbox_error *error)
{
	(void)error_set(error, code, "remember the names of files");
	if (code != E2BIG)
		return -code;
	(void)error_cause(error, SANDBOX_E_ARCHIVE_LIMIT, "more than %d files have several names, or the names are longer than "
		"%d MiB: an archive says of each which it is the same as", TAR_LINKS_COUNT_MAX, TAR_LINKS_BYTES_MAX >> 20);
	return error_fix(error, "remove some of these names: `find / -xdev -type f -links +1` in a sandbox lists them");
}

/* Whether it is a further name of a file that was written; else it is remembered under this one. 1, 0 or -errno. */
static int link_known(struct work *work, const struct tree_node *node, struct tar_entry *entry, struct sandbox_error *error)
{
	const char *first;
	int result;

	if (node->status.st_nlink < 2)
		return 0;
	result = tar_links_find(&work->links, &node->status, entry->path, &first);
	if (result < 0)
		return links_failed(-result, error);
	if (!first)
		return 0;
	entry->hard_link = true;
	entry->link = first;
	entry->attribute_count = 0;
	return 1;
}

static int write_file(struct work *work, const struct tree_node *node, struct tar_entry *entry, struct sandbox_error *error)
{
	int known = link_known(work, node, entry, error), result;

	if (known < 0)
		return known;
	if (known) {
		entry->sparse = false;
		entry->size = 0;
	}
	work->counts.entries++;
	result = tar_header(work->tree->writer, entry, error);
	return result == 0 && !known && S_ISREG(entry->mode) ? write_content(work, node, entry, error) : result;
}

static int write_object(struct work *work, const struct tree_node *node, const char *name, struct sandbox_error *error)
{
	struct tar_entry entry = {.path = name};
	int result = fill_entry(work, node, &entry, error);

	if (result < 0)
		return result;
	result = S_ISDIR(entry.mode) ? write_directory(work, node, &entry, error) : write_file(work, node, &entry, error);
	work->counts.bytes = work->tree->writer->size;
	report(work);
	return result;
}

/* Only what is mounted in the tree can be: its own file system is asked nothing. */
static bool is_of_kernel(const struct work *work, const struct tree_node *node)
{
	return S_ISDIR(node->status.st_mode) && node->status.st_dev != work->device && tree_is_kernels(node->fd);
}

static int visit(void *context, const struct tree_node *node, struct sandbox_error *error)
{
	struct work *work = context;
	bool layer = work->tree->form == TREE_TAR_LAYER;
	auto_free char *name = name_in_archive(work, node->path, S_ISDIR(node->status.st_mode));
	int result;

	if (!*node->path)
		work->device = node->status.st_dev;
	if (work->tree->omit && work->tree->omit(work->tree->context, node))
		return TREE_SKIP;
	/* Also of what is deleted: its mark would be another's. */
	if (layer && text_starts_with(node->name, whiteout_prefix))
		return refuse_name(node->path, error);
	if (node->change == TREE_DELETED || (layer && tree_is_whiteout(&node->status)))
		return write_deletion(work, node, error);
	if (S_ISSOCK(node->status.st_mode)) {
		work->counts.sockets++;
		return 0;
	}
	result = write_object(work, node, name, error);
	return result == 0 && is_of_kernel(work, node) ? TREE_SKIP : result;
}

int tree_tar(const struct tree_tar *tree, struct tree_tar_counts *out, struct sandbox_error *error)
{
	auto_finish(work_free) struct work *work = work_new(tree);
	struct tree_walk walk = {.root = tree->root, .base = tree->base, .visit = visit, .context = work};
	int result;

	if (!work)
		return error_set(error, ENOMEM, "write the archive");
	result = tree_walk(&walk, error);
	*out = work->counts;
	out->changed += walk.lost;
	return result;
}

int tree_tar_object(const struct tree_tar *tree, const struct tree_node *node, const char *name,
	struct tree_tar_counts *out, struct sandbox_error *error)
{
	auto_finish(work_free) struct work *work = work_new(tree);
	int result;

	if (!work)
		return error_set(error, ENOMEM, "write the archive");
	result = write_object(work, node, name, error);
	*out = work->counts;
	return result;
}
