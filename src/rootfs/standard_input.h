/*
 * A file of the host as standard input: `sandbox run IMAGE sort <file`. The payload's descriptor is read-only, but
 * behind /proc/self/fd/0 (proc_pid_fd(5)) is the file itself, which a root that is the caller's own user could open
 * again for writing. So the payload gets the file by a read-only mount of its own.
 *
 * Defence removed in the test build by the name "input".
 */
#ifndef ROOTFS_STANDARD_INPUT_H
#define ROOTFS_STANDARD_INPUT_H

#include "base/error.h"

struct standard_input {
	int mount;  /* the file, on a read-only mount; -1 where nothing is to be replaced */
	int caller; /* what was replaced, or -1 */
};

#define STANDARD_INPUT_INIT {.mount = -1, .caller = -1}

/*
 * In the new mount namespace, by the caller's rights: mounts the file when descriptor 0 is one, open for reading
 * alone. Files without a name (here-documents) are left as they are. 0 or -errno.
 */
int standard_input_lend(struct standard_input *input, struct sandbox_error *error);

/* As root of the sandbox: opens it there, at the same offset, and puts it in the place of descriptor 0. 0 or -errno. */
int standard_input_replace(struct standard_input *input, struct sandbox_error *error);

/* Whoever reads on after us goes on where the payload stopped, as if it had read from the caller's descriptor. */
void standard_input_pass_on(const struct standard_input *input);

#endif
