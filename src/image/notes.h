/*
 * What a tree cannot have, and no attribute of its own could tell: owners of symbolic links and FIFOs where a single id owns
 * all, and device nodes, which no ordinary user may make. The kernel keeps user attributes of files and directories only, so
 * it stands at the directory, in user.containers.override_entries, a note for each such name:
 *
 *	NAME/UID:GID:MODE:TYPE\0
 *
 * TYPE is one of containers/storage's words: symlink, pipe, char-MAJOR-MINOR, block-MAJOR-MINOR; that of a device is followed
 * by ":" and its time in seconds, as there is no node to have it. A note of a device counts while there is nothing of that
 * name, any other while that is a link or a FIFO: so whoever puts something else there need not know of notes.
 */
#ifndef IMAGE_NOTES_H
#define IMAGE_NOTES_H

#include <limits.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/stat.h>

#include "image/owner.h"

#define NOTES_ATTRIBUTE "user.containers.override_entries"

enum {
	NOTES_SIZE_MAX = 64 << 10,  /* xattr(7); ext4 takes less than 4096 */
	NOTE_DEVICE_MAX = 07777777, /* major and minor number: what the header of a tar archive holds */
};

struct note {
	char name[NAME_MAX + 1];
	struct file_owner owner;
	mode_t type; /* S_IFLNK, S_IFIFO, S_IFCHR or S_IFBLK */
	dev_t device;
	int64_t modified;
};

struct notes {
	char *text;
	size_t size;
};

/* Those of an open directory; from one that is none on, there are no more. 0 or -errno. To be finished in either case. */
int notes_read(int directory, struct notes *out);
void notes_finish(struct notes *notes);

/* The one at *position, which is moved on; 0 is the first. False after the last. */
bool notes_next(const struct notes *notes, size_t *position, struct note *out);

bool note_is_device(const struct note *note);

/*
 * Whose the link or FIFO `name` in the directory is. Its noted mode counts only while it has that but for set-id bits, as with
 * file_owner_read; without a note it is root's. 0 or -errno.
 */
int notes_owner(int directory, const char *name, const struct stat *status, struct file_owner *out);

/* The directory in which there was no room any more, so that thousands do not try again; zeroed at first. */
struct notes_full {
	dev_t device;
	ino_t inode;
};

/*
 * Notes it, in the place of an earlier one of that name. 0 or -errno: ENOTSUP where the file system keeps no attributes,
 * EFBIG when it has no room for one more.
 */
int notes_put(int directory, const struct note *note, struct notes_full *full);

/*
 * Sets an attribute of an open file or directory itself. Where notes have taken the room for it, they give way, the last one
 * first: *lost (or NULL) counts them. 0 or -errno.
 */
int notes_make_way(int fd, const char *attribute, const void *value, size_t size, uint64_t *lost);

/* Forgets what is noted of a name. 0 or -errno. */
int notes_drop(int directory, const char *name);

#endif
