/*
 * The tree that is being written. Every object is reached by descriptor from the root of the tree, every
 * parent by openat2(2) with RESOLVE_BENEATH and RESOLVE_NO_SYMLINKS: no link of an archive is ever followed,
 * and nothing outside the tree can be named. The directory that was used last stays open, since archives
 * list the files of a directory together.
 */
#ifndef IMPORTER_TARGET_H
#define IMPORTER_TARGET_H

#include <stdbool.h>
#include <sys/stat.h>

#include "base/error.h"
#include "image/notes.h"
#include "importer/attributes.h"
#include "importer/entry_path.h"

/* What a directory becomes when nothing is written into it any more. */
struct directory_record {
	char *path;
	struct attributes attributes;
	bool implied; /* no entry said so: it was needed for what lies in it */
};

struct target {
	int root;
	int parent; /* O_PATH; -1 before the first use */
	size_t parent_length;
	char parent_path[ENTRY_PATH_SIZE];
	struct directory_record *directories; /* in the order of the archive; the last of a path counts */
	size_t directory_count, directory_room;
	uint64_t path_bytes; /* of all records */
	uint64_t directory_limit;
	struct notes_full full;
};

/*
 * `root` stays the caller's. Default ACLs and set-id bits that it inherited are removed. The tree may have
 * `directory_limit` directories, those that no entry lists among them. 0 or -errno.
 */
int target_init(struct target *target, int root, uint64_t directory_limit, struct sandbox_error *error);
void target_finish(struct target *target);

/*
 * The directory that holds `path`, which must not be the root. Directories that the archive does not list
 * are made: 0:0, 0755. A borrowed O_PATH descriptor, good until the next call, or -errno: E_ARCHIVE_HOSTILE
 * when a component is a symbolic link or no directory.
 */
int target_parent(struct target *target, const struct entry_path *path, struct sandbox_error *error);

/*
 * Makes the name free for a new non-directory after EEXIST: a later entry replaces an earlier one, as with
 * tar(1). Refused: a directory in that place. 0 or -errno.
 */
int target_make_room(int parent, const struct entry_path *path, struct sandbox_error *error);

/* Makes the directory `path` of `parent`, or accepts the one that is there. 0 or -errno. */
int target_make_directory(int parent, const struct entry_path *path, struct sandbox_error *error);

/* A readable descriptor of the directory `path`, which the caller closes; "" is the root. Or -errno. */
int target_open_directory(struct target *target, const char *path, struct sandbox_error *error);

/* Remembers what target_settle shall make of the directory. 0, or -errno with E_ARCHIVE_LIMIT. */
int target_remember(struct target *target, const char *path, const struct attributes *attributes,
	struct sandbox_error *error);

/*
 * Writes the paths of directories that no entry listed, a NUL after each, to `fd`. To be done last: the order of entries
 * is lost. 0 or -errno.
 */
int target_write_implied(struct target *target, int fd, uint64_t *out_count, struct sandbox_error *error);

/* Gives all directories their owners, modes and times. 0 or -errno. */
int target_settle(struct target *target, bool single, struct import_counts *counts, struct sandbox_error *error);

#endif
