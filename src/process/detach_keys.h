/*
 * The keys that leave a sandbox and let it run on, as docker(1) writes them: "ctrl-p,ctrl-q". Each is a character, or ctrl-
 * and one of a-z [ \ ] ^ _. What could be the beginning of them is held back until the next key tells.
 */
#ifndef PROCESS_DETACH_KEYS_H
#define PROCESS_DETACH_KEYS_H

#include <stdbool.h>
#include <stddef.h>

#include "base/error.h"

enum { DETACH_KEYS_MAX = 16 };

struct detach_keys {
	char keys[DETACH_KEYS_MAX];
	size_t count; /* 0: nothing leaves */
	size_t met;   /* so many of them have come, and are held back */
};

#define DETACH_KEYS_USUAL "ctrl-p,ctrl-q"

/* "" is for none. 0 or -EINVAL with E_USAGE. */
int detach_keys_parse(const char *text, struct detach_keys *out, struct sandbox_error *error);

/*
 * Copies what is for the command from `in` to `out`, which has room for DETACH_KEYS_MAX bytes more. The number of bytes.
 * *out_left is whether the keys were met: what came after them is dropped.
 */
size_t detach_keys_filter(struct detach_keys *keys, const char *in, size_t size, char *out, bool *out_left);

#endif
