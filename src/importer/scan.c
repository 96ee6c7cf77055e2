#include "importer/scan.h"

#include <archive.h>
#include <archive_entry.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/fd.h"
#include "base/memory.h"
#include "base/scope.h"
#include "importer/entry_path.h"

enum { TAR_BLOCK = 512, PATH_DEPTH_MAX = 8 };

/* tar(5), as far as it is needed to look at a name. */
struct tar_header {
	char name[100];
	char numbers[24];
	char size[12];
	char more[20];
	char type;
};

static uint64_t read_octal(const char *field, size_t size)
{
	uint64_t value = 0;

	for (size_t i = 0; i < size && field[i] >= '0' && field[i] <= '7'; i++)
		value = value * 8 + (uint64_t)(field[i] - '0');
	return value;
}

/* Past "./" and "/", which entry_path drops as well. */
static const char *skip_dots(const char *name)
{
	while (*name == '/' || (*name == '.' && (name[1] == '/' || name[1] == '\0')))
		name++;
	return name;
}

bool scan_is_needed(const void *data, size_t size)
{
	const char *cursor = data;
	size_t left = size;

	while (left >= TAR_BLOCK) {
		struct tar_header header;
		char name[sizeof(header.name) + 1];
		uint64_t skipped;

		memcpy(&header, cursor, sizeof(header));
		(void)memcpy(name, header.name, sizeof(header.name));
		name[sizeof(header.name)] = '\0';
		skipped = TAR_BLOCK + (read_octal(header.size, sizeof(header.size)) + TAR_BLOCK - 1) / TAR_BLOCK * TAR_BLOCK;
		/* Extended headers precede the member that they describe; "./" precedes everything. */
		if (!header.type || !strchr("xgLK", header.type)) {
			if (*skip_dots(name))
				return member_name_is_known(skip_dots(name));
			skipped = TAR_BLOCK;
		}
		if (skipped > left)
			return false;
		cursor += skipped;
		left -= skipped;
	}
	return false;
}

void scan_finish(struct scan *scan)
{
	members_finish(&scan->members);
}

struct scanner {
	struct ring *ring;
	int spool;
	const struct extract_progress *progress;
	int failed; /* -errno of writing to the spool */
	bool at_end;
};

static la_ssize_t scan_read(struct archive *archive, void *context, const void **out_data)
{
	static const struct import_counts nothing_yet;
	struct scanner *scanner = context;
	size_t size = ring_next(scanner->ring, RING_EXTRACT, out_data);

	if (scanner->progress->report)
		scanner->progress->report(scanner->progress->context, &nothing_yet);
	scanner->at_end = size == 0;
	if (size && scanner->spool >= 0 && !scanner->failed)
		scanner->failed = fd_write_all(scanner->spool, *out_data, size);
	if (!scanner->failed)
		return (la_ssize_t)size;
	archive_set_error(archive, -scanner->failed, "write error");
	return ARCHIVE_FATAL;
}

static int spool_failed(int code, struct sandbox_error *error)
{
	(void)error_set(error, code, "set the archive aside");
	return code == ENOSPC || code == EDQUOT ?
		error_cause(error, SANDBOX_E_NO_SPACE, "the file system of the image store is full") : -code;
}

/* Where the link leads, or NULL for no link. Hard links are named from the root of the archive. */
static char *link_of(struct archive_entry *entry)
{
	const char *hard = archive_entry_hardlink(entry), *symbolic = archive_entry_symlink(entry);

	if (hard)
		return memory_format("/%s", hard);
	return archive_entry_filetype(entry) == AE_IFLNK ? memory_text(symbolic ? symbolic : "") : NULL;
}

/* Notes a member. False when no image archive has such a one. */
static bool take_member(struct scan *scan, struct archive *archive, struct archive_entry *entry,
	struct entry_path *path)
{
	const char *raw = archive_entry_pathname(entry);
	unsigned int type = archive_entry_filetype(entry);
	int64_t size = archive_entry_size(entry);
	bool plain = type == AE_IFREG || type == AE_IFDIR || type == AE_IFLNK || archive_entry_hardlink(entry);

	if (!raw || !plain || size < 0 || entry_path_parse(raw, PATH_DEPTH_MAX, "entry", path, NULL) < 0)
		return false;
	if (path->depth == 0)
		return type == AE_IFDIR;
	/* Its data would not be where it seems to be. */
	if (archive_entry_sparse_count(entry) || !member_name_is_known(path->text))
		return false;
	return members_add(&scan->members, memory_text(path->text), link_of(entry),
		(uint64_t)archive_filter_bytes(archive, 0), (uint64_t)size, type == AE_IFDIR, NULL) == 0;
}

static bool scan_members(struct scan *scan, struct archive *archive)
{
	auto_free struct entry_path *path = malloc(sizeof(*path));
	struct archive_entry *entry;
	int status = ARCHIVE_FATAL;

	while (path && (status = archive_read_next_header(archive, &entry)) == ARCHIVE_OK)
		if (!take_member(scan, archive, entry, path))
			return false;
	scan->end = (uint64_t)archive_read_header_position(archive);
	return status == ARCHIVE_EOF;
}

static void archive_release(struct archive **archive)
{
	(void)archive_read_free(*archive);
}

int scan_archive(struct ring *ring, int spool, const struct extract_progress *progress, struct scan *out,
	struct sandbox_error *error)
{
	struct scanner scanner = {.ring = ring, .spool = spool, .progress = progress};
	auto_finish(archive_release) struct archive *archive = archive_read_new();
	const void *ignored;

	if (!archive || archive_read_support_format_tar(archive) != ARCHIVE_OK)
		return error_set(error, ENOMEM, "read the archive");
	out->image = archive_read_open(archive, &scanner, NULL, scan_read, NULL) == ARCHIVE_OK &&
		scan_members(out, archive) &&
		(members_find(&out->members, "manifest.json") || members_find(&out->members, "index.json"));
	/* To its end for the digest, and for whoever unpacks it from the spool. */
	while ((out->image || spool >= 0) && !scanner.at_end && !scanner.failed)
		(void)scan_read(archive, &scanner, &ignored);
	return scanner.failed ? spool_failed(-scanner.failed, error) : 0;
}
