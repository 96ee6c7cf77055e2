/* Running sandbox-import (protocol.h) in a user namespace, and listening to it. */
#ifndef IMAGE_IMPORTER_H
#define IMAGE_IMPORTER_H

#include <sandbox/progress.h>

#include "base/error.h"
#include "base/interrupt.h"
#include "image/protocol.h"
#include "userns/idmap.h"

struct importer {
	const char *program; /* path of sandbox-import; NULL: beside this program, else ../libexec/sandbox */
	const struct idmap *map;
	int archive;
	int lock; /* of the staging directory: the importer keeps it too, so whoever gets it knows that nobody writes */
	int root;
	const struct interrupt *interrupt; /* a signal ends the import */
	struct sandbox_import_limits limits;
	const struct sandbox_progress *progress; /* or NULL */
	uint64_t archive_size; /* for `progress`; 0 when unknown */
};

/*
 * Unpacks the archive into the directory `root` and waits for the end of it. The descriptors stay the caller's.
 * 0 or -errno: what the importer said, E_IMPORTER_MISSING, what userns_start says, or -EINTR.
 */
int importer_run(const struct importer *importer, struct import_result *out, struct sandbox_error *error);

#endif
