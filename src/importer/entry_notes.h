/*
 * What is noted of an entry at the directory that it lies in, because nothing else could tell it: the owner of a link or a
 * FIFO with a single id, and a device (image/notes.h).
 */
#ifndef IMPORTER_ENTRY_NOTES_H
#define IMPORTER_ENTRY_NOTES_H

#include <archive_entry.h>
#include <stdbool.h>

#include "base/error.h"
#include "image/protocol.h"
#include "importer/attributes.h"
#include "importer/target.h"

/*
 * With a single id: whose the new link or FIFO `file` in `parent` is, when that is not root. Counts what there is no room for.
 * 0 or -errno: E_NO_ATTRIBUTES.
 */
int entry_notes_owner(struct target *target, int parent, const char *file, mode_t type, const char *name,
	const struct attributes *attributes, struct import_counts *counts, struct sandbox_error *error);

/* The same for a further name of one that may be noted in `directory`, as `original`. */
int entry_notes_link(struct target *target, int directory, const char *original, int parent, const char *file,
	const char *name, struct import_counts *counts, struct sandbox_error *error);

/*
 * A device, when the archive has brought its directory, the file system has room for a note, and the number is one (0:0 would
 * be overlay's word for a deletion). Whether it was noted: it is left out in any case.
 */
bool entry_notes_device(struct target *target, struct entry_path *path, struct archive_entry *entry,
	const struct attributes *attributes);

#endif
