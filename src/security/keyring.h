/*
 * The session keyring: keyrings(7). A process inherits its parent's, so a payload would read the
 * Kerberos tickets and disk keys of the user's login. The payload gets a new, empty one.
 *
 * Defence removed in the test build by the name "keyring".
 */
#ifndef SECURITY_KEYRING_H
#define SECURITY_KEYRING_H

#include <stdbool.h>

#include "base/error.h"

/*
 * Replaces this process's session keyring by an anonymous, empty one: keyctl_join_session_keyring(3).
 * Where keys cannot be used at all (a kernel without them, or a filter of an outer container which
 * the payload inherits too) there is nothing to protect, and the answer is 0. E_KEY_QUOTA when the
 * user has too many keys already (the keyring counts as one of his), and still has them after two
 * seconds: the kernel counts those of ended processes for a while. 0 or -errno.
 */
int keyring_join(struct sandbox_error *error);

/*
 * The number of keys that /proc/key-users (its text) counts against `uid` and his limit: the two
 * numbers of the fourth column. False when he is not in it.
 */
bool keyring_parse_usage(
	const char *text, unsigned int uid, unsigned long *out_keys, unsigned long *out_limit);

#endif
