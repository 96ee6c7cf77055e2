/*
 * Looking through an archive that may hold an image, without unpacking anything. Which kind an archive is can
 * only be known at its end; but nearly every root file system shows with its very first member that it is one, and
 * then scan_is_needed says so without having read more than the extraction needs anyway.
 */
#ifndef IMPORTER_SCAN_H
#define IMPORTER_SCAN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/error.h"
#include "image/protocol.h"
#include "importer/extract.h"
#include "importer/members.h"
#include "importer/ring.h"

/* From the first bytes of the uncompressed stream: whether it may be an image archive. Cheap, and never the last word. */
bool scan_is_needed(const void *data, size_t size);

struct scan {
	struct members members;
	bool image;   /* every member is one that image archives have, and the table of contents is among them */
	uint64_t end; /* as for extract_archive */
};

void scan_finish(struct scan *scan);

/*
 * Reads the ring to its end. `spool`, unless it is -1, receives the whole stream. Without, it stops at the first
 * member that no image archive has. An archive that cannot be read is "no image" here: the extraction will say what
 * is wrong with it. 0 or -errno.
 */
int scan_archive(struct ring *ring, int spool, const struct extract_progress *progress, struct scan *out,
	struct sandbox_error *error);

#endif
