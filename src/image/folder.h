/*
 * A root file system that is a folder of the host's: the read-only lowest layer of a sandbox as it stands, never
 * written and never copied.
 */
#ifndef IMAGE_FOLDER_H
#define IMAGE_FOLDER_H

#include "base/error.h"
#include "image/store.h"
#include "userns/idmap.h"

/* Entries whose owners are looked at: a promise about all of them would cost a walk through the tree at each start. */
enum { FOLDER_ENTRIES_LOOKED_AT = 4096 };

/*
 * Opens the folder at `path` for a sandbox of this id map; symbolic links on the way there are the user's own and
 * are followed. What lies in the folder may be hostile and is only looked at by descriptor. Refused:
 *	- an owner without a place in `map`, of the folder itself or of anything in its two uppermost levels (at most
 *	  FOLDER_ENTRIES_LOOKED_AT of them). A foreign owner further down shows as the overflow user inside, as
 *	  everywhere in a user namespace, and has no more rights there than nobody
 *	- a folder in the image store, or one that holds the store or the caller's home: that of the system, `home` (NULL where
 *	  it is not known), as well as what the environment says
 *	- one with mount points below it: the kernel does not let us look beneath them, and overlay does not show them
 * A descriptor, or -errno: E_IMAGE_UNKNOWN, E_ID_UNMAPPED, E_FOLDER.
 */
int folder_open(const struct image_store *store, const char *path, const struct idmap *map, const char *home,
	struct sandbox_error *error);

#endif
