/* What --userns, --uidmap and --gidmap ask for, before the host was looked at. */
#ifndef RUNTIME_USERNS_REQUEST_H
#define RUNTIME_USERNS_REQUEST_H

#include <sandbox/strings.h>
#include <stdbool.h>
#include <stdint.h>

#include "base/error.h"
#include "userns/idmap.h"

enum userns_mode {
	USERNS_DEFAULT, /* subordinate ids, or else a single id with a notice */
	USERNS_MAP,     /* subordinate ids, or an error */
	USERNS_SINGLE,
	USERNS_KEEP_ID, /* the caller's own id keeps its number inside, or gets another one; others are subordinate */
	USERNS_CUSTOM,  /* the extents say it */
};

struct userns_request {
	enum userns_mode mode;
	bool has_uid, has_gid; /* keep-id: with these numbers */
	uint32_t uid, gid;
	/*
	 * --uidmap and --gidmap, as podman-run(1) has them: `outside` counts in the default map, where 0 is the
	 * caller and 1 and up are his subordinate ids.
	 */
	struct id_extents users, groups;
};

/*
 * `text` is NULL or one of default, map, single, keep-id, keep-id:uid=N,gid=N; `uidmap` and `gidmap` are
 * INSIDE:ID:COUNT, and the one stands for the other where it is missing. 0 or -errno with E_USAGE.
 */
int userns_request_read(const char *text, const struct sandbox_strings *uidmap, const struct sandbox_strings *gidmap,
	struct userns_request *out, struct sandbox_error *error);

#endif
