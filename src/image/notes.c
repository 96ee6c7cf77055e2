#include "image/notes.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/statvfs.h>
#include <sys/sysmacros.h>
#include <sys/xattr.h>

#include "base/memory.h"
#include "base/scope.h"
#include "base/text.h"

enum { NOTE_TEXT_SIZE = 128 /* all of a note but its name */ };

static const struct note_type {
	const char *word;
	mode_t type;
} note_types[] = {
	{"symlink", S_IFLNK}, {"pipe", S_IFIFO}, {"char", S_IFCHR}, {"block", S_IFBLK},
};

bool note_is_device(const struct note *note)
{
	return S_ISCHR(note->type) || S_ISBLK(note->type);
}

/* ---- reading ---- */

/* "MAJOR-MINOR:SECONDS" */
static bool parse_device(char *text, struct note *out)
{
	uint64_t major, minor, seconds;
	char *first = strsep(&text, "-"), *second = strsep(&text, ":");

	if (!first || !second || !text || !text_parse_unsigned(first, NOTE_DEVICE_MAX, &major) ||
	    !text_parse_unsigned(second, NOTE_DEVICE_MAX, &minor) || !text_parse_unsigned(text, INT64_MAX, &seconds) ||
	    !(major | minor))
		return false;
	out->device = makedev((unsigned int)major, (unsigned int)minor);
	out->modified = (int64_t)seconds;
	return true;
}

static bool parse_type(char *text, struct note *out)
{
	const char *word = strsep(&text, "-");

	for (size_t i = 0; i < array_count(note_types); i++) {
		if (strcmp(word, note_types[i].word) != 0)
			continue;
		out->type = note_types[i].type;
		return note_is_device(out) ? text && parse_device(text, out) : !text;
	}
	return false;
}

/* "UID:GID:MODE:TYPE" */
static bool parse(const char *note, struct note *out)
{
	char copy[NOTE_TEXT_SIZE], *text = copy;
	uint64_t uid, gid, mode;
	const char *user, *group, *bits;

	if (snprintf(copy, sizeof(copy), "%s", note) >= (int)sizeof(copy))
		return false;
	user = strsep(&text, ":");
	group = strsep(&text, ":");
	bits = strsep(&text, ":");
	if (!group || !bits || !text || !text_parse_unsigned(user, UINT32_MAX - 1, &uid) ||
	    !text_parse_unsigned(group, UINT32_MAX - 1, &gid) || !text_parse_octal(bits, 07777, &mode))
		return false;
	out->owner = (struct file_owner){(uint32_t)uid, (uint32_t)gid, (mode_t)mode};
	return parse_type(text, out);
}

int notes_read(int directory, struct notes *out)
{
	auto_free char *text = NULL;
	ssize_t size = fgetxattr(directory, NOTES_ATTRIBUTE, NULL, 0);

	*out = (struct notes){NULL, 0};
	if (size > 0) {
		text = memory_zeroed(1, NOTES_SIZE_MAX);
		size = fgetxattr(directory, NOTES_ATTRIBUTE, text, NOTES_SIZE_MAX);
	}
	if (size < 0)
		return errno == ENODATA || errno == ENOTSUP ? 0 : -errno;
	/* Each ends in a NUL, so that what is read of the last ends, too. */
	if (size == 0 || text[size - 1])
		return 0;
	*out = (struct notes){take_ptr(text), (size_t)size};
	return 0;
}

void notes_finish(struct notes *notes)
{
	free(notes->text);
	*notes = (struct notes){NULL, 0};
}

bool notes_next(const struct notes *notes, size_t *position, struct note *out)
{
	const char *text = notes->text + *position, *slash;

	if (*position >= notes->size)
		return false;
	*position += strlen(text) + 1;
	slash = strchr(text, '/');
	if (!slash || slash == text || slash - text > NAME_MAX || !parse(slash + 1, out))
		return false;
	(void)snprintf(out->name, sizeof(out->name), "%.*s", (int)(slash - text), text);
	return strcmp(out->name, ".") != 0 && strcmp(out->name, "..") != 0;
}

static bool has_name(const char *note, const char *name)
{
	size_t length = strlen(name);

	return strncmp(note, name, length) == 0 && note[length] == '/';
}

/* The note of a name, or NULL. */
static char *find(const struct notes *notes, const char *name)
{
	for (char *note = notes->text; note && note < notes->text + notes->size; note += strlen(note) + 1)
		if (has_name(note, name))
			return note;
	return NULL;
}

int notes_owner(int directory, const char *name, const struct stat *status, struct file_owner *out)
{
	auto_finish(notes_finish) struct notes notes;
	int result = notes_read(directory, &notes);
	const char *text = result < 0 ? NULL : find(&notes, name);
	struct note note;

	*out = (struct file_owner){.mode = status->st_mode & 07777};
	if (!text || !parse(strchr(text, '/') + 1, &note) || note.type != (status->st_mode & S_IFMT))
		return result;
	if (((note.owner.mode ^ out->mode) & 01777) != 0)
		note.owner.mode = out->mode;
	*out = note.owner;
	return 0;
}

/* ---- writing ---- */

static bool is_disk_full(int directory)
{
	struct statvfs status;

	return fstatvfs(directory, &status) == 0 && status.f_bavail == 0;
}

/* ext4 has one block for all attributes of a directory, and says ENOSPC as of a full disk. */
static bool lacks_room(int directory, int code)
{
	return code == E2BIG || code == ERANGE || (code == ENOSPC && !is_disk_full(directory));
}

static int write_notes(int directory, const struct notes *notes)
{
	if (!notes->size)
		return fremovexattr(directory, NOTES_ATTRIBUTE) < 0 && errno != ENODATA ? -errno : 0;
	if (fsetxattr(directory, NOTES_ATTRIBUTE, notes->text, notes->size, 0) == 0)
		return 0;
	return lacks_room(directory, errno) ? -EFBIG : -errno;
}

/* False when there is none. */
static bool drop_last(int directory)
{
	auto_finish(notes_finish) struct notes notes;
	size_t size;

	if (notes_read(directory, &notes) < 0 || !notes.size)
		return false;
	size = notes.size - 1;
	while (size > 0 && notes.text[size - 1])
		size--;
	notes.size = size;
	return write_notes(directory, &notes) == 0;
}

int notes_make_way(int fd, const char *attribute, const void *value, size_t size, uint64_t *lost)
{
	while (fsetxattr(fd, attribute, value, size, 0) < 0) {
		int code = errno;

		if (!lacks_room(fd, code) || !drop_last(fd))
			return -code;
		if (lost)
			(*lost)++;
	}
	return 0;
}

/* Takes out the note of a name. Whether there was one. */
static bool take_out(struct notes *notes, const char *name)
{
	char *note = find(notes, name);
	size_t size = note ? strlen(note) + 1 : 0;

	if (!note)
		return false;
	memmove(note, note + size, (size_t)(notes->text + notes->size - note) - size);
	notes->size -= size;
	return true;
}

static void format(const struct note *note, char out[NOTE_TEXT_SIZE])
{
	const struct note_type *type = note_types;
	char device[64] = "";

	while (type->type != note->type)
		type++;
	if (note_is_device(note))
		(void)snprintf(device, sizeof(device), "-%u-%u:%lld", major(note->device), minor(note->device),
			(long long)(note->modified < 0 ? 0 : note->modified));
	(void)snprintf(out, NOTE_TEXT_SIZE, "%u:%u:0%o:%s%s", note->owner.uid, note->owner.gid, note->owner.mode, type->word,
		device);
}

static bool is_known_full(int directory, const struct notes_full *full)
{
	struct stat status;

	return full->inode && fstat(directory, &status) == 0 && status.st_ino == full->inode && status.st_dev == full->device;
}

static void remember_full(int directory, struct notes_full *out)
{
	struct stat status;

	if (fstat(directory, &status) == 0)
		*out = (struct notes_full){status.st_dev, status.st_ino};
}

int notes_drop(int directory, const char *name)
{
	auto_finish(notes_finish) struct notes notes;
	int result = notes_read(directory, &notes);

	return result < 0 || !take_out(&notes, name) ? result : write_notes(directory, &notes);
}

/* *notes with one more. */
static int append(int directory, const struct notes *notes, const struct note *note)
{
	auto_finish(notes_finish) struct notes more = {NULL, 0};
	char text[NOTE_TEXT_SIZE];
	size_t added;

	format(note, text);
	added = strlen(note->name) + 1 + strlen(text) + 1;
	more.text = memory_zeroed(1, notes->size + added);
	more.size = notes->size + added;
	if (notes->size)
		memcpy(more.text, notes->text, notes->size);
	(void)snprintf(more.text + notes->size, added, "%s/%s", note->name, text);
	return more.size > NOTES_SIZE_MAX ? -EFBIG : write_notes(directory, &more);
}

int notes_put(int directory, const struct note *note, struct notes_full *full)
{
	auto_finish(notes_finish) struct notes notes = {NULL, 0};
	bool known = is_known_full(directory, full), replaces;
	int result = notes_read(directory, &notes);

	if (result < 0)
		return result;
	replaces = take_out(&notes, note->name);
	result = known && !replaces ? -EFBIG : append(directory, &notes, note);
	if (result != -EFBIG)
		return result;
	remember_full(directory, full);
	/* What was noted earlier does not hold any more, whether there is room for what does or not. */
	if (replaces)
		(void)write_notes(directory, &notes);
	return result;
}
