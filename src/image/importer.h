/* Running sandbox-import (protocol.h) in a user namespace, and listening to it. */
#ifndef IMAGE_IMPORTER_H
#define IMAGE_IMPORTER_H

#include <sandbox/progress.h>

#include "base/error.h"
#include "base/interrupt.h"
#include "image/config.h"
#include "image/protocol.h"
#include "userns/idmap.h"

struct importer {
	const char *program; /* path of sandbox-import; NULL: beside this program, else ../libexec/sandbox */
	const struct idmap *map;
	enum import_mode mode;
	int archive;
	uint64_t offset, size; /* the part of it, as in struct import_request */
	struct import_choice choice;
	int layout; /* IMPORT_LAYOUT: the folder, where the importer itself cannot look */
	int lock; /* of the staging directory: the importer keeps it too, so whoever gets it knows that nobody writes */
	int spool;
	int root;
	const struct interrupt *interrupt; /* a signal ends the import */
	struct sandbox_import_limits limits;
	const struct sandbox_progress *progress; /* or NULL */
	uint64_t archive_size; /* for `progress`; 0 when unknown */
};

/* What the importer found in an archive that it did not unpack. */
struct import_image {
	struct import_layer *layers; /* the lowest first */
	size_t layer_count;
	struct image_config config;
};

void import_image_finish(struct import_image *image);

/*
 * Has the request carried out and waits for the end of it. *out_image is filled when out->layered, and to be finished.
 * The descriptors stay the caller's.
 * 0 or -errno: what the importer said, E_IMPORTER_MISSING, what userns_start says, or -EINTR.
 */
int importer_run(const struct importer *importer, struct import_result *out, struct import_image *out_image,
	struct sandbox_error *error);

/* A file of an OCI layout, by its digest: a descriptor, or -errno; -ENOENT when there is none. */
int layout_open_blob(int layout, const char *digest);

#endif
