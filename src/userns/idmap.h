/*
 * An id map: what newuidmap(1) and newgidmap(1) are asked to write (user_namespaces(7)). Plain data,
 * decided before anything exists.
 */
#ifndef USERNS_IDMAP_H
#define USERNS_IDMAP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/error.h"
#include "userns/subid.h"

enum { ID_MAP_EXTENTS_MAX = 32 };

struct id_extent {
	uint32_t inside;
	uint32_t outside;
	uint32_t count;
};

struct id_extents {
	struct id_extent items[ID_MAP_EXTENTS_MAX];
	size_t count;
};

struct idmap {
	struct id_extents users;
	struct id_extents groups;
	/*
	 * Written by the process itself, with setgroups(2) denied for good, as the kernel demands of
	 * those who have no subordinate ids. Else the set-user-ID helpers write it.
	 */
	bool single;
	/* The caller's own id is not root inside but this one, and the payload is to be it: --userns keep-id. */
	bool keeps_id;
	uint32_t kept_uid, kept_gid;
};

/* Root inside is `uid`:`gid`, and nothing else is mapped. */
void idmap_single(struct idmap *map, uint32_t uid, uint32_t gid);

/* Root inside is `uid`:`gid`; 1 and up are the subordinate ranges in their order. 0 or -errno. */
int idmap_ranges(struct idmap *map, uint32_t uid, uint32_t gid, const struct id_ranges *users,
	const struct id_ranges *groups, struct sandbox_error *error);

/*
 * A map for whoever has to deal with the files of two others at once: root inside is `root`'s root, and every id that
 * one of the two has outside has a place, though not a meaningful one. 0 or -errno.
 */
int idmap_cover(struct idmap *map, const struct idmap *root, const struct idmap *other, struct sandbox_error *error);

/* Adds an extent. Refused: nothing, overflow, overlap inside or outside, too many. 0 or -errno. */
int id_extents_add(struct id_extents *extents, struct id_extent extent, struct sandbox_error *error);

/* Whether the id inside is mapped; *out_outside (may be NULL) is the host's id. */
bool id_extents_lookup(const struct id_extents *extents, uint32_t inside, uint32_t *out_outside);

/* The other way round: whether the host's id has a place inside; *out_inside may be NULL. */
bool id_extents_find(const struct id_extents *extents, uint32_t outside, uint32_t *out_inside);

/* Reads the text of /proc/PID/uid_map. 0 or -errno. */
int id_extents_parse(const char *text, struct id_extents *out, struct sandbox_error *error);

/* Sorts the extents and joins adjacent ones: then two spellings of one map are equal. */
void id_extents_join(struct id_extents *extents);
bool id_extents_equal(const struct id_extents *left, const struct id_extents *right);

enum { IDMAP_KEY_SIZE = 17 };

/* A short name for the map, for file names: the same map has the same key. Sixteen hexadecimal digits. */
void idmap_key(const struct idmap *map, char out[IDMAP_KEY_SIZE]);

/* "0 1000 1, 1 100000 65536", for messages and --dry-run. `buffer` is returned. */
const char *id_extents_format(const struct id_extents *extents, char *buffer, size_t size);

#endif
