#include "image/layer_notes.h"

#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <string.h>

#include "base/scope.h"

static bool exists(int directory, const char *name)
{
	struct stat status;

	return fstatat(directory, name, &status, AT_SYMLINK_NOFOLLOW) == 0 || errno != ENOENT;
}

/* One that a sandbox made in the place of another has another time. */
static bool is_same(const struct stat *one, const struct stat *other)
{
	return (one->st_mode & S_IFMT) == (other->st_mode & S_IFMT) && one->st_size == other->st_size &&
		one->st_mtim.tv_sec == other->st_mtim.tv_sec && one->st_mtim.tv_nsec == other->st_mtim.tv_nsec;
}

int layer_notes_owner(const struct layer_notes *notes, const char *name, const struct stat *status, struct file_owner *out)
{
	struct stat found;

	*out = (struct file_owner){.mode = status->st_mode & 07777};
	for (size_t i = 0; i < notes->count; i++) {
		if (!exists(notes->directories[i], name))
			continue;
		if (fstatat(notes->directories[i], name, &found, AT_SYMLINK_NOFOLLOW) < 0)
			return -errno;
		return is_same(&found, status) ? notes_owner(notes->directories[i], name, status, out) : 0;
	}
	return 0;
}

/* Whether one of the trees above has something of that name, or a note of a device. */
static bool is_hidden(const struct layer_notes *notes, const struct notes *read, size_t above, const char *name)
{
	for (size_t i = 0; i < above; i++) {
		struct note note;
		size_t position = 0;

		if (exists(notes->directories[i], name))
			return true;
		while (notes_next(&read[i], &position, &note))
			if (note_is_device(&note) && strcmp(note.name, name) == 0)
				return true;
	}
	return false;
}

static int visit_devices(const struct layer_notes *notes, const struct notes *read, size_t layer, int seen,
	int (*visit)(void *context, const struct note *note, struct sandbox_error *error), void *context,
	struct sandbox_error *error)
{
	struct note note;
	size_t position = 0;
	int result = 0;

	while (result == 0 && notes_next(&read[layer], &position, &note))
		if (note_is_device(&note) && !exists(seen, note.name) && !is_hidden(notes, read, layer, note.name))
			result = visit(context, &note, error);
	return result;
}

int layer_notes_devices(const struct layer_notes *notes, int seen,
	int (*visit)(void *context, const struct note *note, struct sandbox_error *error), void *context,
	struct sandbox_error *error)
{
	auto_free struct notes *read = calloc(notes->count + 1, sizeof(*read));
	int result = read ? 0 : error_set(error, ENOMEM, "read what is noted of devices");

	for (size_t i = 0; i < notes->count && result == 0; i++) {
		int code = notes_read(notes->directories[i], &read[i]);

		result = code < 0 ? error_set(error, -code, "read what is noted of devices") :
			visit_devices(notes, read, i, seen, visit, context, error);
	}
	for (size_t i = 0; read && i < notes->count; i++)
		notes_finish(&read[i]);
	return result;
}
