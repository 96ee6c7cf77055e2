/* What the commands about images share. */
#ifndef CLI_IMAGE_STORE_H
#define CLI_IMAGE_STORE_H

#include "base/error.h"
#include "cli/command.h"
#include "image/protocol.h"
#include "image/store.h"
#include "userns/idmap.h"

/* The id map that `--userns` (enum sandbox_userns) means for this user. 0 or -errno. */
int image_store_map(int userns, struct idmap *out, struct sandbox_error *error);

/* The widest map that this user can have: for removing files, whoever owns them. 0 or -errno. */
int image_store_removal_map(struct idmap *out, struct sandbox_error *error);

/* Progress of an import, for struct image_request: one line on standard error, if that is a terminal. */
void image_progress_show(void *unused, const struct import_counts *counts, uint64_t archive_size);
void image_progress_clear(void);

#endif
