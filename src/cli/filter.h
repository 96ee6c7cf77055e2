/*
 * Which rows a user wants to see: --filter KEY=VALUE, as often as he likes. Of one key any value will do, and every key
 * must be met, as in docker(1).
 */
#ifndef CLI_FILTER_H
#define CLI_FILTER_H

#include <stdbool.h>

#include <sandbox/strings.h>

#include "base/error.h"

struct filter_key {
	const char *name;
	bool (*matches)(const void *item, const char *value);
	const char *const *words; /* the only values that there are (NULL-terminated); NULL: any */
	bool each;                /* every value must be met, not only one: labels */
};

/* `keys` ends with one without a name. 0, or -EINVAL with E_USAGE. */
int filters_check(const struct sandbox_strings *filters, const struct filter_key *keys, struct sandbox_error *error);

/* Of filters that were checked. */
bool filters_match(const struct sandbox_strings *filters, const struct filter_key *keys, const void *item);

/* Whether there is a filter by this key. */
bool filters_have(const struct sandbox_strings *filters, const char *key);

#endif
