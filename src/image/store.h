/*
 * The image store: $XDG_CACHE_HOME/sandbox or another directory, 0700.
 *
 *	layers/TREE-MAPKEY/root      a file system tree, owned as the id map MAPKEY says (layer.h)
 *	layers/TREE-MAPKEY/…         what is known of it
 *	images/DIGEST.json           an image: what an archive with this digest holds (record.h)
 *	names/NAME                   the digest of the image that has this name (names.c)
 *	archives/DEVICE-INODE.json   files whose digest is known (identity.h)
 *	staging/PID-NUMBER           a layer or a record in the making, or a layer that is being removed
 *	staging/DEVICE-INODE.lock    held by who imports that file
 *
 * Everything outside staging/ is complete. Whoever works on something in staging/ holds an exclusive flock(2)
 * on it, or has a helper that does; when it can be had, both are dead, and the next command that uses the store
 * clears it away (store_sweep).
 */
#ifndef IMAGE_STORE_H
#define IMAGE_STORE_H

#include <stdbool.h>
#include <sys/stat.h>

#include <sandbox/progress.h>
#include <sandbox/strings.h>

#include "base/digest.h"
#include "base/error.h"
#include "userns/idmap.h"

struct image_store {
	char *path; /* for messages */
	int root;   /* the store's directory */
	int layers; /* its layers/: where short relative names for mount(2) begin */
};

#define IMAGE_STORE_INIT {.path = NULL, .root = -1, .layers = -1}

/*
 * Opens the store at the absolute `path`, making what is missing. 0 or -errno with E_HOME_UNUSABLE when it
 * cannot be made, or belongs to another user.
 */
int image_store_open(const char *path, struct image_store *out, struct sandbox_error *error);

/*
 * The same, but makes nothing: of a store that does not exist, *out is empty, with `root` -1, and only finding
 * (image_resolve with a `before_import` that refuses, image_find) may be asked of it.
 */
int image_store_open_present(const char *path, struct image_store *out, struct sandbox_error *error);
void image_store_finish(struct image_store *store);

/*
 * Explains that the store at `path` could not be used for `doing` ("write to"): E_NO_SPACE, E_HOME_UNUSABLE, and where
 * it could lie instead. Returns like error_set.
 */
int image_store_explain(int code, const char *path, const char *doing, struct sandbox_error *error);

/* error_explain_full for a write to the store. */
int image_store_explain_full(struct sandbox_error *error);

/*
 * Removes the whole store. E_IMAGE_IN_USE, and nothing removed, while a sandbox runs from it or an import is
 * under way. `map` as for image_remove. 0 or -errno.
 */
int image_store_reset(struct image_store *store, const struct idmap *map, struct sandbox_error *error);

/* A directory of staging/ that this process works on. */
struct staging {
	char name[48]; /* below staging/ */
	int wrapper;   /* the directory, locked */
	int lock;      /* the file "lock" in it, locked too: for a helper that may have no directory but its own */
	uint64_t lost; /* what the tree in it could not keep of the archive, for want of ids (layer_ids.h) */
};

#define STAGING_INIT {.name = "", .wrapper = -1, .lock = -1}

/* Makes a new one. 0 or -errno. */
int staging_create(struct image_store *store, struct staging *out, struct sandbox_error *error);

/*
 * Moves layers/NAME, on which the caller holds an exclusive lock through `*wrapper`, into staging/: from then on
 * it does not exist. Takes the descriptor. 0 or -errno.
 */
int staging_take_layer(struct image_store *store, const char *layer, int *wrapper, struct staging *out,
	struct sandbox_error *error);

/* Removes the directory with all that is in it, inside a user namespace of `map` where needed. 0 or -errno. */
int staging_remove(struct image_store *store, struct staging *staging, const struct idmap *map,
	struct sandbox_error *error);

/*
 * Makes the lock of the directory a shared one, which is a lease once it is a layer: before anybody can find it, who
 * could lock it first. A descriptor of staging/, where nobody sweeps while it is open, or -errno.
 */
int staging_share(struct image_store *store, const struct staging *staging, struct sandbox_error *error);

/* Releases the lock file of a directory that is complete, and removes it. */
void staging_unlock(struct staging *staging);

/* Forgets it without removing anything: it has been renamed, or the next command shall sweep it. */
void staging_finish(struct staging *staging);

/*
 * Replaces the file `path`, relative to the store `root`, by a complete new one, mode 0600. Until it is complete
 * it is a locked file of staging/. With `first`, its data are on the disk before it has the name, as they are whenever
 * there is a file to be replaced: a power cut leaves either or none, but nothing torn. 0 or -errno.
 */
int staging_replace_file(int root, const char *path, const void *data, size_t size, bool first,
	struct sandbox_error *error);

/*
 * Removes what dead processes left in staging/. What cannot be removed is left, with a line for --debug.
 * 0, or -errno when staging/ cannot be read.
 */
int store_sweep(struct image_store *store, const struct idmap *map, struct sandbox_error *error);

/* How many things are in the making or on their way out. 0 or -errno. */
int staging_count(struct image_store *store, size_t *out, struct sandbox_error *error);

/*
 * Waits until no other process imports the file `status`, and keeps others from it. `progress` (may be NULL) is told when
 * there is one. A descriptor or -errno.
 */
int store_lock_archive(struct image_store *store, const struct stat *status, const struct sandbox_progress *progress,
	struct sandbox_error *error);
void store_unlock_archive(struct image_store *store, const struct stat *status, int *lock);

/* Names: names.c tells how they are kept. */
enum { IMAGE_NAME_MAX = 240 };

/*
 * Components of letters, digits and "._:-", each beginning with a letter or digit, with slashes between; not what looks
 * like a digest. Docker's names for images are such ones.
 */
bool image_name_is_valid(const char *name);

struct image_record;

struct store_name {
	char *name; /* owned in a list, borrowed in a change */
	struct digest digest; /* empty in a change: the name is removed */
	/*
	 * In a change by who has leased the image's layers: its record, borrowed. Nothing else keeps an image without a name
	 * whose layers others need as well; when it was removed meanwhile, it is recorded again. Or NULL.
	 */
	const struct image_record *record;
};

/*
 * All changes or, whenever the power fails, none. 0 or -errno: E_IMAGE_UNKNOWN when an image was removed before it got its
 * name.
 */
int store_names_change(struct image_store *store, const struct store_name *changes, size_t count,
	struct sandbox_error *error);
int store_name_set(struct image_store *store, const char *name, const struct digest *digest,
	struct sandbox_error *error);
int store_name_remove(struct image_store *store, const char *name, struct sandbox_error *error);

/*
 * Keeps all names as they are until the descriptor is closed: for who removes an image, which nobody names meanwhile. He
 * calls the functions …_locked. A descriptor or -errno.
 */
int store_names_lock(struct image_store *store, struct sandbox_error *error);
int store_names_of_locked(struct image_store *store, const struct digest *digest, struct sandbox_strings *out,
	struct sandbox_error *error);
int store_names_change_locked(struct image_store *store, const struct store_name *changes, size_t count,
	struct sandbox_error *error);

/* 0, -ENOENT when there is no such name, or -errno when it cannot be read. */
int store_name_find(struct image_store *store, const char *name, struct digest *out);

struct store_names {
	struct store_name *items; /* sorted by name */
	size_t count;
};

/* All of them, at one moment. 0 or -errno. */
int store_names_load(struct image_store *store, struct store_names *out, struct sandbox_error *error);
void store_names_finish(struct store_names *names);

/* Appends the names of the image, sorted. 0 or -errno. */
int store_names_of(struct image_store *store, const struct digest *digest, struct sandbox_strings *out,
	struct sandbox_error *error);

#endif
