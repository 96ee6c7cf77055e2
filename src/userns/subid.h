/*
 * Subordinate ids of a user: /etc/subuid and /etc/subgid (subuid(5)), or getsubids(1) where
 * nsswitch.conf names another source. The files are the administrator's, but they are checked like
 * input: a malformed line of ours is an error, lines of others are skipped.
 */
#ifndef USERNS_SUBID_H
#define USERNS_SUBID_H

#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "base/error.h"

struct id_range {
	uint32_t first;
	uint32_t count;
};

struct id_ranges {
	struct id_range *items;
	size_t count;
};

/* What useradd(8) gives by default, and where it begins. Images have ids up to 65534, nobody. */
enum { SUBID_SUGGESTED_FIRST = 100000, SUBID_SUGGESTED_COUNT = 65536, SUBID_ENOUGH = 65534 };

enum subid_kind {
	SUBID_USERS,
	SUBID_GROUPS,
};

void id_ranges_add(struct id_ranges *ranges, uint32_t first, uint32_t count);
void id_ranges_finish(struct id_ranges *ranges);

/*
 * Appends the ranges that the text of a subuid(5) file gives to `user` (by name or by number).
 * Refused with E_SUBID_INVALID: 0, the user's own id `own_id`, numbers above 2^32-2, overlaps, and
 * numbers that are not plain decimal. 0 or -errno.
 */
int subid_parse(const char *text, const char *file_name, const char *user, uint32_t own_id,
	struct id_ranges *out, struct sandbox_error *error);

/* Reads what the system gives to the user. No range at all is not an error: out->count is 0. */
int subid_load(enum subid_kind kind, const char *user, uint32_t own_id, struct id_ranges *out,
	struct sandbox_error *error);

/* The first id of a suggested range that overlaps none of these; 0 when there is none. */
uint32_t subid_find_free(const struct id_ranges *taken);

/*
 * Looks for a range in the file that another user has, and which overlaps one of `own`. 1 with *out, one of `own`,
 * 0 when there is none, or -errno.
 */
int subid_find_shared(enum subid_kind kind, const char *user, uint32_t own_id, const struct id_ranges *own,
	struct id_range *out, struct sandbox_error *error);

/*
 * Say that the user has no range, too few ids, or one that somebody else has as well, and how to add one that nobody
 * has. Return like error_set.
 */
int subid_explain_missing(enum subid_kind kind, const char *user, struct sandbox_error *error);
int subid_explain_few(const char *user, struct sandbox_error *error);
int subid_explain_shared(enum subid_kind kind, const char *user, const struct id_range *shared, struct sandbox_error *error);

/* Every range in the file, whoever has it: to choose one that nobody has. 0 or -errno. */
int subid_load_all(enum subid_kind kind, struct id_ranges *out, struct sandbox_error *error);

#endif
