#include "importer/entry_notes.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include "base/scope.h"
#include "image/notes.h"

/* `parent` is good for names only. A descriptor or -1. */
static int open_again(int parent)
{
	return openat(parent, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
}

static int put(struct target *target, int directory, const struct note *note, const char *name, struct import_counts *counts,
	struct sandbox_error *error)
{
	int result = notes_put(directory, note, &target->full);

	/* A directory has room for so many notes only. */
	if (result == -EFBIG) {
		counts->owners_dropped++;
		return 0;
	}
	if (result == 0)
		return 0;
	(void)entry_failed(error, -result, name, "note its owner in " NOTES_ATTRIBUTE);
	return result == -ENOTSUP ? attributes_explain_none(error) : result;
}

int entry_notes_owner(struct target *target, int parent, const char *file, mode_t type, const char *name,
	const struct attributes *attributes, struct import_counts *counts, struct sandbox_error *error)
{
	mode_t mode = S_ISLNK(type) ? 0777 : attributes->mode & 0777;
	struct note note = {.owner = {attributes->uid, attributes->gid, mode}, .type = type};
	auto_close int directory = -1;

	if (!attributes->uid && !attributes->gid)
		return 0;
	directory = open_again(parent);
	if (directory < 0)
		return entry_failed(error, errno, name, "open its directory");
	(void)snprintf(note.name, sizeof(note.name), "%s", file);
	return put(target, directory, &note, name, counts, error);
}

int entry_notes_link(struct target *target, int directory, const char *original, int parent, const char *file,
	const char *name, struct import_counts *counts, struct sandbox_error *error)
{
	struct attributes attributes = {.uid = 0};
	struct file_owner owner;
	struct stat status;
	int result;

	if (fstatat(directory, original, &status, AT_SYMLINK_NOFOLLOW) < 0)
		return entry_failed(error, errno, name, "look at its other name");
	if (!S_ISLNK(status.st_mode) && !S_ISFIFO(status.st_mode))
		return 0;
	result = notes_owner(directory, original, &status, &owner);
	if (result < 0)
		return entry_failed(error, -result, name, "read " NOTES_ATTRIBUTE);
	attributes.uid = owner.uid;
	attributes.gid = owner.gid;
	attributes.mode = owner.mode;
	return entry_notes_owner(target, parent, file, status.st_mode & S_IFMT, name, &attributes, counts, error);
}

/* As the archive says it: what does not fit a device number is none. */
static bool read_number(struct archive_entry *entry, dev_t *out)
{
	dev_t major = archive_entry_rdevmajor(entry), minor = archive_entry_rdevminor(entry);

	*out = makedev((unsigned int)major, (unsigned int)minor);
	return major <= NOTE_DEVICE_MAX && minor <= NOTE_DEVICE_MAX && *out;
}

bool entry_notes_device(struct target *target, struct entry_path *path, struct archive_entry *entry,
	const struct attributes *attributes)
{
	struct note note = {.owner = {attributes->uid, attributes->gid, attributes->mode},
		.type = archive_entry_filetype(entry), .modified = attributes->modified.tv_sec};
	auto_close int directory = -1;

	if (!path->depth || path->length - path->name > NAME_MAX || !read_number(entry, &note.device))
		return false;
	/* Cut the path in two for a moment, instead of copying it. */
	if (path->name)
		path->text[path->name - 1] = '\0';
	directory = target_open_directory(target, path->name ? path->text : "", NULL);
	if (path->name)
		path->text[path->name - 1] = '/';
	(void)snprintf(note.name, sizeof(note.name), "%s", path->text + path->name);
	return directory >= 0 && notes_put(directory, &note, &target->full) == 0;
}
