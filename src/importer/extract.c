#include "importer/extract.h"

#include <archive.h>
#include <archive_entry.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/scope.h"
#include "base/test_switch.h"
#include "importer/attributes.h"
#include "importer/entry_notes.h"
#include "importer/entry_path.h"
#include "importer/target.h"
#include "importer/whiteout.h"
#include "importer/writers.h"

/* Larger files are written here: writers.h says why. */
enum { SMALL_FILE = 3 * RING_BLOCK_SIZE };

struct extraction {
	struct ring *ring;
	bool at_end; /* the ring has nothing more */
	struct archive *archive;
	struct archive_entry *entry;
	const struct import_request *request;
	const struct extract_progress *progress;
	struct import_counts *counts; /* those of `out` */
	struct extract_result *out;
	struct target target;
	struct writers writers;
	struct attributes attributes;
	struct entry_path path;
	struct entry_path link;
};

static la_ssize_t stream_read(struct archive *archive, void *context, const void **out_data)
{
	struct extraction *extraction = context;
	size_t size;

	/* Jobs that nobody does hold the blocks that the decoder waits for. */
	writers_wake(&extraction->writers);
	size = ring_next(extraction->ring, RING_EXTRACT, out_data);

	(void)archive;
	extraction->at_end = size == 0;
	return (la_ssize_t)size;
}

/* What libarchive reported. Its sentences are for people; which of our ids it is follows from the position. */
static int archive_failed(struct extraction *extraction, const char *doing, struct sandbox_error *error)
{
	const char *detail = archive_error_string(extraction->archive);

	(void)error_set(error, 0, "%s: %s", doing, detail ? detail : "unknown error");
	if (detail && strstr(detail, "too large"))
		return error_cause(error, SANDBOX_E_ARCHIVE_LIMIT, "a header of the archive is larger than any real one");
	if (extraction->at_end && extraction->counts->entries)
		return error_cause(error, SANDBOX_E_ARCHIVE_TRUNCATED,
			"the file was cut short, perhaps by an interrupted download or copy");
	return error_cause(error, SANDBOX_E_ARCHIVE_FORMAT, archive_format(extraction->archive) ?
		"the archive is damaged, or is not what it seems" :
		"it is not a tar archive (plain, or compressed by gzip, bzip2, xz, zstd or lz4)");
}

static int limit_exceeded(const char *name, const char *what, uint64_t limit, struct sandbox_error *error)
{
	(void)entry_failed(error, EFBIG, name, "check the limits");
	return error_cause(error, SANDBOX_E_ARCHIVE_LIMIT, "the archive has more than %llu %s",
		(unsigned long long)limit, what);
}

/* Writes one piece of a file where it belongs, or leaves that to the job; what is skipped in between stays a hole. */
static int take_piece(struct extraction *extraction, struct file_job *job, int fd, const void *data, size_t size,
	off_t offset, struct sandbox_error *error)
{
	int block = job && job->piece_count < WRITERS_PIECES ? ring_hold(extraction->ring, data, size) : -1;

	if (block < 0)
		return write_piece(fd, extraction->path.text, data, size, offset, error);
	job->pieces[job->piece_count++] = (struct file_piece){data, size, offset, block};
	return 0;
}

/* How many bytes of a file the archive holds, when the rest is holes. */
static int64_t data_size(struct archive_entry *entry, int64_t size)
{
	la_int64_t offset, length;
	int64_t sum = 0;

	if (archive_entry_sparse_reset(entry) == 0)
		return size;
	while (archive_entry_sparse_next(entry, &offset, &length) == ARCHIVE_OK)
		sum += length;
	return sum;
}

static void report(const struct extraction *extraction)
{
	if (extraction->progress->report)
		extraction->progress->report(extraction->progress->context, extraction->counts);
}

static int write_data(struct extraction *extraction, struct file_job *job, int fd, int64_t size,
	struct sandbox_error *error)
{
	const char *name = extraction->path.text;
	int64_t end = 0, missing = data_size(extraction->entry, size);

	for (;;) {
		const void *data;
		size_t count;
		la_int64_t offset;
		int status = archive_read_data_block(extraction->archive, &data, &count, &offset), result;

		if (status == ARCHIVE_EOF)
			break;
		if (status != ARCHIVE_OK)
			return archive_failed(extraction, "read the archive", error);
		if (offset < end || offset > size || count > (uint64_t)(size - offset))
			return entry_refuse(error, "entry", name, "its data does not fit its size");
		result = take_piece(extraction, job, fd, data, count, offset, error);
		if (result < 0)
			return result;
		report(extraction);
		end = offset + (int64_t)count;
		missing -= (int64_t)count;
	}
	/* libarchive ends a sparse file without a word when its map promises more than follows. */
	if (missing > 0)
		return entry_refuse(error, "entry", name, "its data is shorter than its sparse map says");
	if (end < size && ftruncate(fd, size) < 0)
		return entry_failed(error, errno, name, "set its size");
	return 0;
}

static int open_new_file(struct extraction *extraction, int parent, struct sandbox_error *error)
{
	const struct entry_path *path = &extraction->path;
	static const int flags = O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC;
	mode_t mode = extraction->attributes.mode & 0777;
	int fd = openat(parent, path->text + path->name, flags, mode);

	if (fd < 0 && errno == EEXIST) {
		int result = target_make_room(parent, path, error);

		if (result < 0)
			return result;
		fd = openat(parent, path->text + path->name, flags, mode);
	}
	return fd < 0 ? entry_failed(error, errno, path->text, "create the file") : fd;
}

/* Data and attributes of a file whose extended attributes need the entry, or that is large. */
static int fill_file(struct extraction *extraction, int fd, int64_t size, struct sandbox_error *error)
{
	const struct attributes *attributes = &extraction->attributes;
	const char *name = extraction->path.text;
	bool single = extraction->request->single;
	int result = write_data(extraction, NULL, fd, size, error);

	if (result == 0)
		result = attributes_apply(fd, extraction->entry, name, attributes, single, extraction->counts, error);
	return result < 0 ? result : finish_file(fd, name, attributes, single, error);
}

/* The same of any other, left to a writer. Takes the descriptor. */
static int hand_file_over(struct extraction *extraction, int *fd, int64_t size, struct sandbox_error *error)
{
	struct file_job *job = writers_reserve(&extraction->writers);
	int result = job ? write_data(extraction, job, *fd, size, error) : -ECANCELED;

	if (result < 0)
		return result;
	(void)snprintf(job->name, sizeof(job->name), "%.*s", WRITERS_NAME_SIZE - 1, extraction->path.text);
	job->attributes = extraction->attributes;
	job->fd = take_fd(fd);
	writers_submit(&extraction->writers);
	return 0;
}

static int extract_file(struct extraction *extraction, int parent, struct sandbox_error *error)
{
	struct import_counts *counts = extraction->counts;
	const struct sandbox_import_limits *limits = &extraction->request->limits;
	int64_t size = archive_entry_size(extraction->entry);
	auto_close int fd = -1;

	if (size < 0)
		return entry_refuse(error, "entry", extraction->path.text, "its size is negative");
	if ((uint64_t)size > limits->apparent_bytes - counts->apparent_bytes)
		return limit_exceeded(extraction->path.text, "bytes in files", limits->apparent_bytes, error);
	counts->apparent_bytes += (uint64_t)size;
	counts->files++;
	fd = open_new_file(extraction, parent, error);
	if (fd < 0)
		return fd;
	test_point("importer-file-made");
	if (size > SMALL_FILE || attributes_are_extended(extraction->entry))
		return fill_file(extraction, fd, size, error);
	return hand_file_over(extraction, &fd, size, error);
}

static int extract_directory(struct extraction *extraction, int parent, struct sandbox_error *error)
{
	const char *name = extraction->path.text;
	int result = extraction->path.depth ? target_make_directory(parent, &extraction->path, error) : 0;

	if (result < 0)
		return result;
	extraction->counts->directories++;
	if (attributes_are_extended(extraction->entry)) {
		auto_close int fd = target_open_directory(&extraction->target, name, error);

		result = fd < 0 ? fd : attributes_extend(fd, extraction->entry, name, extraction->request->single,
			extraction->counts, error);
	}
	return result < 0 ? result : target_remember(&extraction->target, name, &extraction->attributes, error);
}

/* symlinkat(2) or mkfifoat(3), once more after making room. */
static int make_node(struct extraction *extraction, int parent, struct sandbox_error *error)
{
	const struct entry_path *path = &extraction->path;
	const char *name = path->text + path->name;
	bool is_link = archive_entry_filetype(extraction->entry) == AE_IFLNK;
	const char *destination = archive_entry_symlink(extraction->entry);

	if (is_link && (!destination || !*destination))
		return entry_refuse(error, "symbolic link", path->text, "it leads nowhere");
	for (int attempt = 0;; attempt++) {
		int result = is_link ? symlinkat(destination, parent, name) :
			mkfifoat(parent, name, extraction->attributes.mode & 0777);

		if (result == 0)
			return 0;
		if (errno != EEXIST || attempt)
			return entry_failed(error, errno, path->text, "create it");
		result = target_make_room(parent, path, error);
		if (result < 0)
			return result;
	}
}

static int extract_node(struct extraction *extraction, int parent, struct sandbox_error *error)
{
	const struct entry_path *path = &extraction->path;
	int result = make_node(extraction, parent, error);

	if (result < 0)
		return result;
	if (archive_entry_filetype(extraction->entry) == AE_IFLNK)
		extraction->counts->symlinks++;
	else
		extraction->counts->fifos++;
	if (extraction->request->single)
		result = entry_notes_owner(&extraction->target, parent, path->text + path->name,
			archive_entry_filetype(extraction->entry), path->text, &extraction->attributes, extraction->counts,
			error);
	return result < 0 ? result
			  : attributes_apply_at(parent, path->text + path->name, extraction->entry, path->text,
				    &extraction->attributes, extraction->request->single, extraction->counts, error);
}

/* A descriptor of the directory that holds the file that a hard link names; the caller closes it. */
static int open_link_target(struct extraction *extraction, struct sandbox_error *error)
{
	struct entry_path *link = &extraction->link;
	const char *name = extraction->path.text;
	auto_close int directory = -1;
	struct stat status;
	int result = entry_path_parse(archive_entry_hardlink(extraction->entry),
		extraction->request->limits.depth, "hard link to", link, error);

	if (result < 0)
		return result;
	if (link->depth == 0)
		return entry_refuse(error, "hard link", name, "it leads to a directory");
	/* Cut the path in two for a moment, instead of copying it. */
	if (link->name)
		link->text[link->name - 1] = '\0';
	directory = target_open_directory(&extraction->target, link->name ? link->text : "", error);
	if (link->name)
		link->text[link->name - 1] = '/';
	if (directory == -ENOENT)
		return entry_refuse(error, "hard link", name, "the archive did not bring its target before");
	if (directory < 0)
		return directory;
	if (fstatat(directory, link->text + link->name, &status, AT_SYMLINK_NOFOLLOW) < 0)
		return entry_refuse(error, "hard link", name, "the archive did not bring its target before");
	/* A symbolic link may have two names as well (tar(1) writes it so); linkat(2) does not follow it. */
	if (S_ISDIR(status.st_mode))
		return entry_refuse(error, "hard link", name, "it leads to a directory");
	if (whiteout_is_made(&status))
		return entry_refuse(error, "hard link", name, "the archive did not bring its target before");
	return take_fd(&directory);
}

/* With a single id, another name of what takes no attributes. */
static int note_link(struct extraction *extraction, int directory, int parent, struct sandbox_error *error)
{
	const struct entry_path *path = &extraction->path, *link = &extraction->link;

	return !extraction->request->single ? 0 : entry_notes_link(&extraction->target, directory, link->text + link->name,
		parent, path->text + path->name, path->text, extraction->counts, error);
}

static int extract_hard_link(struct extraction *extraction, int parent, struct sandbox_error *error)
{
	const struct entry_path *path = &extraction->path, *link = &extraction->link;
	auto_close int directory = -1;

	if (archive_entry_size_is_set(extraction->entry) && archive_entry_size(extraction->entry) != 0)
		return entry_refuse(error, "hard link", path->text, "it brings data of its own");
	directory = open_link_target(extraction, error);
	if (directory < 0)
		return directory;
	extraction->counts->hard_links++;
	/* A link to itself would be removed to make room for itself. */
	if (strcmp(path->text, link->text) == 0)
		return entry_refuse(error, "hard link", path->text, "it leads to itself");
	for (int attempt = 0;; attempt++) {
		int result;

		if (linkat(directory, link->text + link->name, parent, path->text + path->name, 0) == 0)
			return note_link(extraction, directory, parent, error);
		if (errno != EEXIST || attempt)
			return entry_failed(error, errno, path->text, "make the hard link");
		result = target_make_room(parent, path, error);
		if (result < 0)
			return result;
	}
}

/* In a layer, whatever has such a name: aufs made them as hard links of each other. */
static int extract_whiteout(struct extraction *extraction, struct sandbox_error *error)
{
	unsigned int type = archive_entry_filetype(extraction->entry);
	int parent;

	if (type != AE_IFREG && !archive_entry_hardlink(extraction->entry))
		return entry_refuse(error, "entry", extraction->path.text, "it has the name of a deletion, and is no file");
	parent = target_parent(&extraction->target, &extraction->path, error);
	return parent < 0 ? parent : whiteout_make(parent, &extraction->path, &extraction->out->opaque, error);
}

static int extract_typed(struct extraction *extraction, struct sandbox_error *error)
{
	unsigned int type = archive_entry_filetype(extraction->entry);
	const char *name = extraction->path.text;
	int parent = -1;

	if (extraction->path.depth == 0 && (type != AE_IFDIR || archive_entry_hardlink(extraction->entry)))
		return entry_refuse(error, "entry", archive_entry_pathname(extraction->entry),
			"the root of the tree can only be a directory");
	if (type == AE_IFCHR || type == AE_IFBLK) {
		extraction->counts->devices_skipped++;
		(void)entry_notes_device(&extraction->target, &extraction->path, extraction->entry, &extraction->attributes);
		if (strncmp(name, "dev/", 4) != 0)
			extraction->counts->devices_missed++;
		return 0;
	}
	if (extraction->path.depth) {
		parent = target_parent(&extraction->target, &extraction->path, error);
		if (parent < 0)
			return parent;
	}
	if (archive_entry_hardlink(extraction->entry))
		return extract_hard_link(extraction, parent, error);
	switch (type) {
	case AE_IFREG:
		return extract_file(extraction, parent, error);
	case AE_IFDIR:
		return extract_directory(extraction, parent, error);
	case AE_IFLNK:
	case AE_IFIFO:
		return extract_node(extraction, parent, error);
	default:
		return entry_refuse(error, "entry", name, "it is of an unknown type");
	}
}

/* Of the entry that was read last. libarchive itself takes no single header of more than a MiB. */
static uint64_t header_size(struct archive *archive)
{
	return (uint64_t)(archive_filter_bytes(archive, 0) - archive_read_header_position(archive));
}

static int extract_entry(struct extraction *extraction, struct sandbox_error *error)
{
	const char *raw = archive_entry_pathname(extraction->entry);
	const struct sandbox_import_limits *limits = &extraction->request->limits;
	int result;

	if (!raw)
		return entry_refuse(error, "entry", "", "it has no name");
	if (extraction->counts->entries == limits->entries)
		return limit_exceeded(raw, "entries", limits->entries, error);
	if (header_size(extraction->archive) > limits->header_bytes)
		return limit_exceeded(raw, "bytes in the headers of one entry", limits->header_bytes, error);
	extraction->counts->entries++;
	result = entry_path_parse(raw, limits->depth, "entry", &extraction->path, error);
	if (result == 0 && extraction->request->mode == IMPORT_LAYER && whiteout_is_meant(&extraction->path))
		return extract_whiteout(extraction, error);
	if (result < 0)
		return result;
	result = attributes_read(extraction->entry, raw, &extraction->attributes, error);
	return result < 0 ? result : extract_typed(extraction, error);
}

/*
 * libarchive warns about every name that is not valid UTF-8 where the archive promised that, and gives
 * its bytes unchanged. Names are bytes to Linux and to us: this, and only this, warning is no failure.
 */
static bool is_about_characters(struct archive *archive)
{
	const char *detail = archive_error_string(archive);

	return detail && strstr(detail, "can't be converted from");
}

static int extract_entries(struct extraction *extraction, struct sandbox_error *error)
{
	for (;;) {
		int status = archive_read_next_header(extraction->archive, &extraction->entry);
		int result;

		if (status == ARCHIVE_EOF)
			break;
		if (status != ARCHIVE_OK && !(status == ARCHIVE_WARN && is_about_characters(extraction->archive)))
			return archive_failed(extraction, "read the archive", error);
		result = extract_entry(extraction, error);
		if (result < 0)
			return result;
		report(extraction);
	}
	extraction->out->end = (uint64_t)archive_read_header_position(extraction->archive);
	return target_settle(&extraction->target, extraction->request->single, extraction->counts, error);
}

/* Files that were left to writers precede the entry at which the reading stopped: so do their errors. */
static int extract_with_writers(struct extraction *extraction, struct sandbox_error *error)
{
	struct sandbox_error earlier = {0};
	int result = writers_start(&extraction->writers, extraction->ring, extraction->target.root,
		extraction->request->single, error);
	int written;

	if (result < 0)
		return result;
	result = extract_entries(extraction, error);
	written = writers_finish(&extraction->writers, &earlier);
	if (written < 0 && error)
		*error = earlier;
	return written < 0 ? written : result;
}

static void archive_release(struct archive **archive)
{
	(void)archive_read_free(*archive);
}

static int open_stream(struct extraction *extraction, struct sandbox_error *error)
{
	struct archive *archive = extraction->archive;

	if (!archive || archive_read_support_format_tar(archive) != ARCHIVE_OK)
		return error_set(error, ENOMEM, "read the archive");
	if (archive_read_open(archive, extraction, NULL, stream_read, NULL) != ARCHIVE_OK)
		return archive_failed(extraction, "read the archive", error);
	return 0;
}

int extract_archive(struct ring *ring, int root, int notes, const struct import_request *request,
	const struct extract_progress *progress, struct extract_result *out, struct sandbox_error *error)
{
	static const struct attributes unlisted_root = {.mode = 0755};
	auto_free struct extraction *extraction = malloc(sizeof(*extraction));
	auto_finish(archive_release) struct archive *archive = archive_read_new();
	const void *ignored;
	int result;

	if (!extraction)
		return error_set(error, ENOMEM, "read the archive");
	*extraction = (struct extraction){
		.ring = ring, .archive = archive, .request = request, .progress = progress, .out = out, .counts = &out->counts,
		.target = {.parent = -1}};
	result = open_stream(extraction, error);
	if (result == 0)
		result = target_init(&extraction->target, root, request->limits.entries, error);
	if (result == 0)
		/* Where the archive has no entry for its root. */
		result = target_remember(&extraction->target, "", &unlisted_root, error);
	if (result == 0)
		result = extract_with_writers(extraction, error);
	if (result == 0 && notes >= 0)
		result = target_write_implied(&extraction->target, notes, &out->implied, error);
	target_finish(&extraction->target);
	/* What follows the marker counts for the digest. */
	while (result == 0 && !extraction->at_end)
		extraction->at_end = ring_next(ring, RING_EXTRACT, &ignored) == 0;
	return result;
}
