#include "image/tar.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>

#include "base/fd.h"
#include "base/scope.h"
#include "base/text.h"

enum {
	BUFFER_SIZE = 256 << 10,
	NAME_SIZE = 100,      /* of the two fields of a header that hold names */
	NUMBER_SIZE = 8,      /* seven octal digits and a NUL */
	LONG_NUMBER_SIZE = 12,
	RECORD_HEAD_MAX = 320, /* length, key and "=" of a record: an attribute's name has 255 bytes at most */
};

/* POSIX.1-1988's header, with the names that pax(1) gives to the fields. */
struct header {
	char name[NAME_SIZE];
	char mode[NUMBER_SIZE], uid[NUMBER_SIZE], gid[NUMBER_SIZE];
	char size[LONG_NUMBER_SIZE], mtime[LONG_NUMBER_SIZE];
	char checksum[NUMBER_SIZE];
	char type;
	char linkname[NAME_SIZE];
	char magic[6], version[2];
	char uname[32], gname[32];
	char devmajor[NUMBER_SIZE], devminor[NUMBER_SIZE];
	char prefix[155];
	char padding[12];
};

_Static_assert(sizeof(struct header) == TAR_BLOCK, "a header is a block");

static const unsigned char zeros[2 * TAR_BLOCK];

/* ---- the stream ---- */

int tar_start(struct tar_writer *writer, int fd, bool digested, struct sandbox_error *error)
{
	*writer = (struct tar_writer){.fd = fd, .digested = digested, .buffer = malloc(BUFFER_SIZE)};
	if (!writer->buffer)
		return error_set(error, ENOMEM, "write the archive");
	digest_start(&writer->digest);
	return 0;
}

void tar_finish(struct tar_writer *writer)
{
	free(take_ptr(writer->buffer));
}

int tar_write_failed(int code, struct sandbox_error *error)
{
	(void)error_set(error, code, "write the archive");
	(void)error_explain_full(error, "the file system that it is written to", "free some space there, or write it elsewhere");
	return -code;
}

int tar_flush(struct tar_writer *writer, struct sandbox_error *error)
{
	int result;

	if (writer->digested)
		digest_add(&writer->digest, writer->buffer, writer->used);
	result = fd_write_all(writer->fd, writer->buffer, writer->used);
	writer->used = 0;
	return result < 0 ? tar_write_failed(-result, error) : 0;
}

int tar_reserve(struct tar_writer *writer, unsigned char **out_place, size_t *out_room, struct sandbox_error *error)
{
	int result = writer->used == BUFFER_SIZE ? tar_flush(writer, error) : 0;

	*out_place = writer->buffer + writer->used;
	*out_room = BUFFER_SIZE - writer->used;
	return result;
}

void tar_commit(struct tar_writer *writer, size_t size)
{
	writer->used += size;
	writer->size += size;
}

int tar_data(struct tar_writer *writer, const void *data, size_t size, struct sandbox_error *error)
{
	const unsigned char *cursor = data;

	while (size) {
		unsigned char *place;
		size_t room;
		int result = tar_reserve(writer, &place, &room, error);

		if (result < 0)
			return result;
		if (room > size)
			room = size;
		memcpy(place, cursor, room);
		tar_commit(writer, room);
		cursor += room;
		size -= room;
	}
	return 0;
}

int tar_pad(struct tar_writer *writer, struct sandbox_error *error)
{
	return tar_data(writer, zeros, (size_t)(-writer->size % TAR_BLOCK), error);
}

int tar_end(struct tar_writer *writer, struct digest *out_digest, struct sandbox_error *error)
{
	int result = tar_data(writer, zeros, sizeof(zeros), error);

	if (result == 0)
		result = tar_flush(writer, error);
	if (result == 0 && out_digest)
		digest_end(&writer->digest, out_digest);
	return result;
}

/* ---- headers ---- */

/* False when it does not fit; the field then says 0, and a record of the extended header the truth. */
static bool put_number(char *field, size_t size, uint64_t value)
{
	bool fits = value >> (3 * (size - 1)) == 0;

	(void)snprintf(field, size, "%0*" PRIo64, (int)size - 1, fits ? value : 0);
	return fits;
}

/* A field of names need not end in a NUL. */
static void put_name(char *field, const char *name)
{
	size_t length = strlen(name);

	memcpy(field, name, length < NAME_SIZE ? length : NAME_SIZE);
}

static void put_checksum(struct header *header)
{
	const unsigned char *byte = (const unsigned char *)header;
	unsigned int sum = 0;

	memset(header->checksum, ' ', sizeof(header->checksum));
	for (size_t i = 0; i < sizeof(*header); i++)
		sum += byte[i];
	/* Six digits, a NUL, and one of the spaces. */
	(void)snprintf(header->checksum, sizeof(header->checksum) - 1, "%06o", sum);
}

static void start_header(struct header *header, char type)
{
	*header = (struct header){.type = type, .magic = "ustar", .version = {'0', '0'}};
	(void)put_number(header->mode, NUMBER_SIZE, 0);
	(void)put_number(header->uid, NUMBER_SIZE, 0);
	(void)put_number(header->gid, NUMBER_SIZE, 0);
	(void)put_number(header->size, LONG_NUMBER_SIZE, 0);
	(void)put_number(header->mtime, LONG_NUMBER_SIZE, 0);
	(void)put_number(header->devmajor, NUMBER_SIZE, 0);
	(void)put_number(header->devminor, NUMBER_SIZE, 0);
}

static char entry_type(const struct tar_entry *entry)
{
	if (entry->hard_link)
		return '1';
	switch (entry->mode & S_IFMT) {
	case S_IFLNK:
		return '2';
	case S_IFCHR:
		return '3';
	case S_IFBLK:
		return '4';
	case S_IFDIR:
		return '5';
	case S_IFIFO:
		return '6';
	default:
		return '0';
	}
}

/* ---- the extended header: records "LENGTH KEY=VALUE\n" ---- */

struct records {
	char *text;
	size_t used, room;
	bool failed; /* no memory */
};

static void records_finish(struct records *records)
{
	free(records->text);
}

static void add_bytes(struct records *records, const void *data, size_t size)
{
	if (records->used + size > records->room && !records->failed) {
		size_t room = 2 * (records->used + size);
		char *larger = realloc(records->text, room);

		records->failed = !larger;
		if (larger) {
			records->text = larger;
			records->room = room;
		}
	}
	if (records->failed)
		return;
	memcpy(records->text + records->used, data, size);
	records->used += size;
}

/* The length counts its own digits, too. */
static size_t record_length(size_t rest)
{
	size_t length = rest + 1, digits = 1;

	for (size_t bound = 10; length >= bound; bound *= 10) {
		digits++;
		length = rest + digits;
	}
	return length;
}

static void add_record(struct records *records, const char *prefix, const char *key, const void *value, size_t size)
{
	char head[RECORD_HEAD_MAX];
	size_t rest = strlen(prefix) + strlen(key) + size + sizeof(" =\n") - 1;
	int length = snprintf(head, sizeof(head), "%zu %s%s=", record_length(rest), prefix, key);

	add_bytes(records, head, (size_t)length);
	add_bytes(records, value, size);
	add_bytes(records, "\n", 1);
}

static void add_text(struct records *records, const char *key, const char *value)
{
	add_record(records, "", key, value, strlen(value));
}

static void add_number(struct records *records, const char *key, uint64_t value)
{
	char text[24];

	(void)snprintf(text, sizeof(text), "%" PRIu64, value);
	add_text(records, key, text);
}

/* Seconds, and what is left of them without zeros at the end. */
static void add_time(struct records *records, const struct timespec *time)
{
	int64_t seconds = time->tv_sec;
	long nanoseconds = time->tv_nsec;
	bool negative = seconds < 0;
	char text[40];
	size_t length;

	/* A timespec counts its fraction upwards also before 1970. */
	if (negative && nanoseconds) {
		seconds++;
		nanoseconds = 1000000000 - nanoseconds;
	}
	length = (size_t)snprintf(text, sizeof(text), "%s%" PRIu64 ".%09ld", negative ? "-" : "",
		negative ? -(uint64_t)seconds : (uint64_t)seconds, nanoseconds);
	while (text[length - 1] == '0')
		text[--length] = '\0';
	if (text[length - 1] == '.')
		text[--length] = '\0';
	add_text(records, "mtime", text);
}

/* Readers take what stands in a header for ASCII. */
static bool needs_record(const char *name)
{
	for (const char *byte = name; *byte; byte++)
		if ((unsigned char)*byte >= 0x80)
			return true;
	return strlen(name) > NAME_SIZE;
}

static void add_names(struct records *records, const struct tar_entry *entry)
{
	bool path = needs_record(entry->path), link = entry->link && needs_record(entry->link);

	/* Names are bytes; the records are UTF-8 where nothing else is said. */
	if ((path && !text_is_utf8(entry->path)) || (link && !text_is_utf8(entry->link)))
		add_text(records, "hdrcharset", "BINARY");
	if (path && !entry->sparse)
		add_text(records, "path", entry->path);
	if (link)
		add_text(records, "linkpath", entry->link);
}

static void add_sparse(struct records *records, const struct tar_entry *entry)
{
	add_text(records, "GNU.sparse.major", "1");
	add_text(records, "GNU.sparse.minor", "0");
	add_text(records, "GNU.sparse.name", entry->path);
	add_number(records, "GNU.sparse.realsize", entry->size);
}

static void add_attributes(struct records *records, const struct tar_entry *entry)
{
	for (size_t i = 0; i < entry->attribute_count; i++)
		add_record(records, "SCHILY.xattr.", entry->attributes[i].name, entry->attributes[i].value,
			entry->attributes[i].size);
}

/* ---- the map of a sparse file: decimal numbers, a line each, before its data ---- */

static void add_line(struct records *map, uint64_t number)
{
	char text[24];

	add_bytes(map, text, (size_t)snprintf(text, sizeof(text), "%" PRIu64 "\n", number));
}

static void make_map(struct records *map, const struct tar_entry *entry, uint64_t *out_stored)
{
	*out_stored = 0;
	add_line(map, entry->extent_count);
	for (size_t i = 0; i < entry->extent_count; i++) {
		add_line(map, entry->extents[i].offset);
		add_line(map, entry->extents[i].size);
		*out_stored += entry->extents[i].size;
	}
	add_bytes(map, zeros, -map->used % TAR_BLOCK);
	*out_stored += map->used;
}

/* ---- an entry ---- */

static int write_records(struct tar_writer *writer, const struct records *records, struct sandbox_error *error)
{
	struct header header;
	int result;

	start_header(&header, 'x');
	/* Only shown by readers that do not know such headers. */
	put_name(header.name, "././@PaxHeader");
	(void)put_number(header.mode, NUMBER_SIZE, 0644);
	(void)put_number(header.size, LONG_NUMBER_SIZE, records->used);
	put_checksum(&header);
	result = tar_data(writer, &header, sizeof(header), error);
	if (result == 0)
		result = tar_data(writer, records->text, records->used, error);
	return result < 0 ? result : tar_pad(writer, error);
}

/* Fills the header, and adds to the records what does not fit in there. */
static void describe(const struct tar_entry *entry, uint64_t stored, struct header *header, struct records *records)
{
	const struct timespec *time = &entry->modified;

	start_header(header, entry_type(entry));
	put_name(header->name, entry->sparse ? "./GNUSparseFile.0/file" : entry->path);
	if (entry->link)
		put_name(header->linkname, entry->link);
	(void)put_number(header->mode, NUMBER_SIZE, entry->mode & 07777);
	if (entry->sparse)
		add_sparse(records, entry);
	if (!put_number(header->uid, NUMBER_SIZE, entry->uid))
		add_number(records, "uid", entry->uid);
	if (!put_number(header->gid, NUMBER_SIZE, entry->gid))
		add_number(records, "gid", entry->gid);
	if (!put_number(header->size, LONG_NUMBER_SIZE, stored) || entry->fixed)
		add_number(records, "size", stored);
	if (time->tv_sec < 0 || !put_number(header->mtime, LONG_NUMBER_SIZE, (uint64_t)time->tv_sec) || time->tv_nsec)
		add_time(records, time);
	if (S_ISCHR(entry->mode) || S_ISBLK(entry->mode)) {
		(void)put_number(header->devmajor, NUMBER_SIZE, major(entry->device));
		(void)put_number(header->devminor, NUMBER_SIZE, minor(entry->device));
	}
	put_checksum(header);
}

int tar_header(struct tar_writer *writer, const struct tar_entry *entry, struct sandbox_error *error)
{
	auto_finish(records_finish) struct records records = {0}, map = {0};
	bool regular = S_ISREG(entry->mode) && !entry->hard_link;
	uint64_t stored = regular ? entry->size : 0;
	struct header header;
	int result = 0;

	if (entry->sparse)
		make_map(&map, entry, &stored);
	add_names(&records, entry);
	describe(entry, stored, &header, &records);
	add_attributes(&records, entry);
	if (records.failed || map.failed)
		return error_set(error, ENOMEM, "write the archive");
	if (records.used)
		result = write_records(writer, &records, error);
	if (result == 0)
		result = tar_data(writer, &header, sizeof(header), error);
	return result < 0 ? result : tar_data(writer, map.text, map.used, error);
}
