/*
 * Owner, mode, times and extended attributes of an extracted object.
 *
 * Extended attributes, by name:
 *	user.overlay.*, trusted.overlay.*  refused: to overlay they mean "deleted", "opaque" or "elsewhere", and
 *	                                   no file of a root file system has a reason to say so
 *	user.containers.*                  dropped and counted: notes of a container store about its own files;
 *	                                   ours (below) are made here and nowhere else
 *	user.*                             kept
 *	security.capability                kept; the kernel binds it to the root of the map. That of a single id is the
 *	                                   caller, so with one it is only recorded: OVERRIDE_CAPABILITY_ATTRIBUTE
 *	all others                         dropped and counted: labels belong to the machine that made them
 *	                                   (security.selinux), POSIX ACLs name ids in a binary form, trusted.*
 *	                                   needs a privilege that nobody here has
 *
 * With a single id, user.containers.override_stat holds "UID:GID:MODE" (decimal, decimal, octal), as
 * fuse-overlayfs and containers/storage write and read it, where it differs from what the file has. For what takes no
 * attribute see entry_notes.h.
 */
#ifndef IMPORTER_ATTRIBUTES_H
#define IMPORTER_ATTRIBUTES_H

#include <archive_entry.h>
#include <stdbool.h>
#include <sys/types.h>
#include <time.h>

#include "base/error.h"
#include "image/protocol.h"

struct attributes {
	uid_t uid;
	gid_t gid;
	mode_t mode; /* permissions and set-id bits, as in the archive */
	struct timespec modified;
};

/* Reads and checks them. `name` is for the error. 0, or -EINVAL with E_ARCHIVE_HOSTILE. */
int attributes_read(struct archive_entry *entry, const char *name, struct attributes *out,
	struct sandbox_error *error);

/* What chmod(2) may be told: without set-id bits when only one id is mapped. */
mode_t attributes_mode(const struct attributes *attributes, bool single);

/*
 * Gives an open regular file its owner, or records it. 0 or -errno: E_ID_UNMAPPED for an owner that the map does not
 * have, E_NO_ATTRIBUTES.
 */
int attributes_own(int fd, const char *name, const struct attributes *attributes, bool single,
	struct sandbox_error *error);

/*
 * Gives an open regular file its owner and extended attributes. Counts what is dropped. 0 or -errno:
 * E_ID_UNMAPPED for an owner that the map does not have.
 */
int attributes_apply(int fd, struct archive_entry *entry, const char *name, const struct attributes *attributes,
	bool single, struct import_counts *counts, struct sandbox_error *error);

/*
 * A directory, in two steps. While it is filled it stays root's, so that what is made in it is root's too,
 * also where the file system hands groups down (mount option grpid). The entry's extended attributes come first:
 * only when there are any must it be opened. 0 or -errno.
 */
bool attributes_are_extended(struct archive_entry *entry);
int attributes_extend(int fd, struct archive_entry *entry, const char *name, bool single,
	struct import_counts *counts, struct sandbox_error *error);
/*
 * When nothing is written into it any more: owner, mode and time, whatever an earlier entry said. Counts the notes that give
 * way to its owner.
 */
int attributes_settle(int fd, const char *name, const struct attributes *attributes, bool single,
	struct import_counts *counts, struct sandbox_error *error);

/*
 * The same for what cannot be opened: a symbolic link or a FIFO, `file` in `parent`; and its time. With a single id its owner
 * is left to entry_notes_owner.
 */
int attributes_apply_at(int parent, const char *file, struct archive_entry *entry, const char *name,
	const struct attributes *attributes, bool single, struct import_counts *counts,
	struct sandbox_error *error);

/* The cause of an ENOTSUP: E_NO_ATTRIBUTES. */
int attributes_explain_none(struct sandbox_error *error);

#endif
