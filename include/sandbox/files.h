/*
 * What is in a sandbox, from outside: export, cp, diff and commit of sandbox(1). A sandbox that runs, or a kept one that
 * does not. References are those of life.h.
 */
#ifndef SANDBOX_FILES_H
#define SANDBOX_FILES_H

#include <sandbox/error.h>
#include <sandbox/image.h>
#include <sandbox/locations.h>
#include <sandbox/strings.h>
#include <stdbool.h>
#include <sys/types.h>

/*
 * Writes the whole root file system to `fd` as a tar stream: the image, and what was written over it; nothing of volumes and
 * other mounts. 0 or -errno.
 */
int sandbox_export(const struct sandbox_locations *locations, const char *reference, int fd, struct sandbox_error *error);

/* What became of a path since the image. */
enum sandbox_change {
	SANDBOX_FILE_ADDED,
	SANDBOX_FILE_CHANGED, /* of a directory: itself, or something in it */
	SANDBOX_FILE_DELETED,
};

/* Calls `show` for each path, in their order, "/" left out; anything but 0 ends it. 0 or -errno. */
int sandbox_diff(const struct sandbox_locations *locations, const char *reference,
	int (*show)(void *context, enum sandbox_change change, const char *path), void *context, struct sandbox_error *error);

enum sandbox_commit_pause {
	SANDBOX_PAUSE_IF_POSSIBLE, /* one that runs, where it has a control group */
	SANDBOX_PAUSE_ALWAYS,      /* or an error */
	SANDBOX_PAUSE_NEVER,
};

/* Strings are borrowed. */
struct sandbox_commit_options {
	const char *name; /* to give to the image; NULL: none */
	struct sandbox_strings changes; /* of its configuration, lines of a Dockerfile */
	const char *message; /* for its history; or NULL */
	const char *author;  /* or NULL */
	enum sandbox_commit_pause pause;
};

/*
 * Makes a new image: that of the sandbox, with its configuration, and what was written over it as one more layer. When it
 * returns 0 the image survives a power cut. 0 or -errno: E_SANDBOX_STATE when files changed while they were read.
 */
int sandbox_commit(const struct sandbox_locations *locations, const char *reference,
	const struct sandbox_commit_options *options, char out_digest[SANDBOX_DIGEST_SIZE], struct sandbox_error *error);

struct sandbox_copy_options {
	bool archive; /* keep owners, as the sandbox's id map shows them; else copies are root's inside, and the caller's here */
	bool follow;  /* where the source itself is a symbolic link: what it leads to */
	uid_t caller_uid; /* who gets what comes out */
	gid_t caller_gid;
};

/*
 * Copies a file or a directory with all that is in it. A directory that exists gets the source in it under its own name, or
 * with "/." at the end of the source what is in that; anything else is made, or replaced. Paths in the sandbox are those that
 * its commands have, resolved within its root, whoever exchanges names there meanwhile; set-id bits stay inside. "-" as the
 * other side is a tar archive on standard output or input; one that is damaged changes nothing. 0 or -errno.
 */
int sandbox_copy_out(const struct sandbox_locations *locations, const char *reference, const char *path, const char *target,
	const struct sandbox_copy_options *options, struct sandbox_error *error);
int sandbox_copy_in(const struct sandbox_locations *locations, const char *source, const char *reference, const char *path,
	const struct sandbox_copy_options *options, struct sandbox_error *error);

#endif
