/* What the commands about images share. */
#ifndef CLI_IMAGE_STORE_H
#define CLI_IMAGE_STORE_H

#include "base/error.h"
#include "cli/command.h"
#include "image/store.h"
#include "userns/idmap.h"

/* The id map that `--userns` (NULL for the default) means for this user. 0 or -errno. */
int image_store_map(const char *userns, struct idmap *out, struct sandbox_error *error);

/* The widest map that this user can have: for removing files, whoever owns them. 0 or -errno. */
int image_store_removal_map(struct idmap *out, struct sandbox_error *error);

#endif
