/*
 * The second half of the importer: reads tar entries from the ring and writes them into a directory. Error,
 * never repair: whatever libarchive remarks on, and whatever this writer does not understand, ends the import.
 *
 * What becomes of an entry:
 *	regular file, directory, symbolic link, FIFO   made
 *	hard link      made, to a regular file that is in the tree already; refused with data of its own
 *	device node    counted and skipped: it could not be opened anyway, and /dev is not the image's
 *	".wh." names   in a root file system ordinary names: nothing is deleted by name there, and overlay does not look
 *	               at them (it marks deletions by device nodes and by user.overlay.*, see attributes.h). In a layer
 *	               (IMPORT_LAYER) deletions: whiteout.h
 *	a second entry of one name   replaces the first, as with tar(1), unless one of them is a directory and
 *	               the other is not; a directory's new mode, owner and time count
 *	"." and "./"   the root of the tree; must be a directory
 */
#ifndef IMPORTER_EXTRACT_H
#define IMPORTER_EXTRACT_H

#include <stdbool.h>
#include <stdint.h>

#include "base/error.h"
#include "image/protocol.h"
#include "importer/ring.h"

struct extract_progress {
	void (*report)(void *context, const struct import_counts *counts); /* NULL: nobody wants to know */
	void *context;
};

struct extract_result {
	struct import_counts counts;
	uint64_t end; /* offset of the end-of-archive marker, or of the stream's end where there was none */
	bool opaque;  /* a layer: nothing of those below it is to be seen */
	uint64_t implied; /* a layer: directories that it does not list; their paths are in `notes` */
};

/*
 * Extracts everything that the ring brings into the empty directory `root` and reads the ring to its end. `notes` is an
 * empty file for a layer, else -1.
 * 0 or -errno.
 */
int extract_archive(struct ring *ring, int root, int notes, const struct import_request *request,
	const struct extract_progress *progress, struct extract_result *out, struct sandbox_error *error);

#endif
