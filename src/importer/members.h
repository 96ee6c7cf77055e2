/*
 * The table of contents of an archive that holds an image: where its files lie, without unpacking any. Links in it
 * (docker save writes ID/layer.tar as one to another layer's) are followed by name in this table alone.
 */
#ifndef IMPORTER_MEMBERS_H
#define IMPORTER_MEMBERS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/error.h"

enum { MEMBERS_MAX = 20000 };

struct member {
	char *path;       /* as entry_path has it: no "." and "..", relative to the root of the archive */
	char *link;       /* a symbolic link's target as it stands there, a hard link's with a "/" before it; or NULL */
	uint64_t offset, size; /* of its data in the stream */
	bool directory;
};

struct members {
	struct member *items;
	size_t count, room;
};

void members_finish(struct members *members);

/* Takes `path` and `link`. 0, or -E2BIG with E_ARCHIVE_LIMIT. */
int members_add(struct members *members, char *path, char *link, uint64_t offset, uint64_t size, bool directory,
	struct sandbox_error *error);

/* The file at `path`, links followed; of several with one name the last. NULL when there is none. */
const struct member *members_find(const struct members *members, const char *path);

/*
 * Whether an image archive may have a member of this path: what docker save, podman save, skopeo, buildkit, crane,
 * kaniko and OCI layouts put there. One member of another name makes an archive a root file system, whatever else it
 * holds.
 */
bool member_name_is_known(const char *path);

#endif
