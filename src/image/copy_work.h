/* What the copy of a tree carries along; only tree_copy.c, copy_*.c and tree_place.c include this. */
#ifndef IMAGE_COPY_WORK_H
#define IMAGE_COPY_WORK_H

#include <stdbool.h>
#include <sys/stat.h>

#include "image/notes.h"
#include "image/owner.h"
#include "image/tree_copy.h"

struct copy_work {
	const struct tree_copy *copy;
	struct tree_copy_counts counts;
	bool no_clone;       /* the file system shares no blocks */
	bool no_range;       /* nor does the kernel copy for us */
	unsigned char *buffer;
	struct notes_full full;
	bool lives;          /* the original may change meanwhile, and then: */
	uint64_t shrunk;     /* files that ended before they were copied */
};

enum { COPY_BUFFER_SIZE = 128 << 10 };

/* Fills the error for `name`, which could not be copied while `doing`. */
int copy_failed(struct sandbox_error *error, int code, const char *name, const char *doing);

/* copy_data.c: the content of one file into a new one. 0 or -errno. */
int copy_data(struct copy_work *work, int from, int to, const struct stat *status, const char *name,
	struct sandbox_error *error);

/* copy_attributes.c. 0 or -errno. */
int copy_owner_read(const struct copy_work *work, int fd, const struct stat *status, const char *name,
	struct file_owner *out, struct sandbox_error *error);
/* Of `name` in `directory`, which takes no attributes. */
int copy_owner_read_at(const struct copy_work *work, int directory, const struct stat *status, const char *name,
	struct file_owner *out, struct sandbox_error *error);
/* With a single id: notes at the directory whose the link or FIFO `name` is, or counts what there is no room for. */
int copy_note_owner(struct copy_work *work, int directory, const struct stat *status, const struct file_owner *owner,
	const char *name, struct sandbox_error *error);
/* What is noted of devices in a directory: whoever owns it, they are noted with the archive's ids. */
int copy_devices(struct copy_work *work, int from, int to, const char *name, struct sandbox_error *error);
/* Whose it is in this namespace, when it belongs to *owner in the copy. */
int copy_owner_place(const struct copy_work *work, const struct file_owner *owner, const char *name, uid_t *out_uid,
	gid_t *out_gid, struct sandbox_error *error);
/* What chmod(2) may be told. */
mode_t copy_owner_mode(const struct copy_work *work, const struct file_owner *owner);

/* Owner, attributes, mode if it is not `mode` already, and time: of a file or directory that is complete. */
int copy_attributes(struct copy_work *work, int from, int to, const struct stat *status, const struct file_owner *owner,
	mode_t mode, const char *name, struct sandbox_error *error);
/* Owner and time of `name` in the directory `to`, which cannot be opened: a symbolic link, a FIFO, a whiteout. */
int copy_attributes_at(struct copy_work *work, int to, const struct stat *status, const struct file_owner *owner,
	const char *name, struct sandbox_error *error);

#endif
