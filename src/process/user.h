/*
 * Who the payload runs as: `-u USER[:GROUP]` looked up in the mounted root's own /etc/passwd and
 * /etc/group (passwd(5), group(5)), which whoever made the image wrote. They are opened below the
 * root's descriptor only, must be regular files of at most 1 MiB, and are never waited for.
 *
 * A user or group made of digits alone is a number and never a name, so that an image cannot name
 * its root "1000". Anything else is a name and never a number.
 */
#ifndef PROCESS_USER_H
#define PROCESS_USER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "base/error.h"
#include "userns/idmap.h"

enum { USER_GROUPS_MAX = 256 };

struct user_identity {
	uid_t uid;
	gid_t gid;
	gid_t groups[USER_GROUPS_MAX]; /* supplementary, without doubles */
	size_t group_count;
	char *name;  /* NULL for a number without an entry */
	char *home;  /* absolute; "/" when the entry has none */
	char *shell; /* absolute; "/bin/sh" when the entry has none */
};

/*
 * `request` is NAME, UID, NAME:GROUP, UID:GID and so on; NULL or "" is user 0. Without a group it is
 * the entry's, and the supplementary groups are those that /etc/group lists him in; with one he has
 * no others (as with Docker). A number without an entry has group 0. Missing files are as good as
 * empty ones. Supplementary groups outside the map cannot be given, and are left out, as are those after the
 * first USER_GROUPS_MAX.
 * E_USER_UNKNOWN for unknown names, E_ID_UNMAPPED for ids that are outside the map, E_ROOT_LAYOUT
 * for files of another kind. 0 or -errno; *out is to be finished in either case.
 */
int user_resolve(int root, const char *request, const struct idmap *map, struct user_identity *out,
	struct sandbox_error *error);

/* Names found no differently, for --group-add. 0 or -errno. */
int user_resolve_group(
	int root, const char *group, const struct idmap *map, gid_t *out, struct sandbox_error *error);

/* The shell of user 0, for a run without a command: absolute, the caller frees. 0 or -errno. */
int user_root_shell(int root, char **out, struct sandbox_error *error);

/*
 * Becomes this user, for good: supplementary groups, then group and user id, which are read back. Where the map
 * is a single one setgroups(2) is denied by the kernel, and the groups stay as they are. 0 or -errno.
 */
int user_become(const struct user_identity *user, const struct idmap *map, struct sandbox_error *error);

void user_finish(struct user_identity *user);

/* The two parsers, which see what an adversary wrote: `data` need not be a text. */

struct user_entry {
	const char *name, *home, *shell; /* within the data, which was cut up */
	uid_t uid;
	gid_t gid;
};

/*
 * The next well-formed line of a passwd(5) file from *cursor to `end` (where a NUL stands): seven
 * fields, decimal ids below 2^32-1, a name. Others are passed over. False at the end.
 */
bool user_next_entry(char **cursor, char *end, struct user_entry *out);

struct user_group {
	const char *name;
	char *members; /* separated by commas */
	gid_t gid;
};

/* The same for a group(5) file: four fields. */
bool user_next_group(char **cursor, char *end, struct user_group *out);

#endif
