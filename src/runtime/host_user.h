/*
 * Who runs us, without NSS: the program is static. /etc/passwd is read; for users of other sources
 * getent(1) is asked.
 */
#ifndef RUNTIME_HOST_USER_H
#define RUNTIME_HOST_USER_H

#include <sys/types.h>

#include "base/error.h"

struct host_user {
	uid_t uid;
	gid_t gid;
	char *name; /* the number as text when the system has no name for it */
	char *home; /* NULL when unknown */
};

/* The effective user of this process. Never fails: what is unknown is as said above. */
void host_user_load(struct host_user *out);
void host_user_finish(struct host_user *user);

#endif
