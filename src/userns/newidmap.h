/* newuidmap(1) and newgidmap(1), the set-user-ID helpers of shadow, as two programs that run at once. */
#ifndef USERNS_NEWIDMAP_H
#define USERNS_NEWIDMAP_H

#include <sys/types.h>

#include "base/error.h"
#include "userns/idmap.h"

/* Has the helpers write both maps of `pid`. 0 or -errno with E_NEWIDMAP_MISSING or E_NEWIDMAP_REFUSED. */
int newidmap_write(pid_t pid, const struct idmap *map, struct sandbox_error *error);

/* The two ways in which they can be of no use, whatever the map is. Return like error_set. */
int newidmap_explain_missing(struct sandbox_error *error);
int newidmap_explain_no_new_privs(struct sandbox_error *error);

/* Whether both helpers are there to be executed. */
bool newidmap_available(void);

#endif
