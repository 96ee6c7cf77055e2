/* Where the image store and the ids of the user meet. */
#ifndef RUNTIME_IMAGE_STORE_H
#define RUNTIME_IMAGE_STORE_H

#include "base/error.h"
#include "userns/idmap.h"

/* The widest map that this user can have: for removing files, whoever owns them. 0 or -errno. */
int images_removal_map(struct idmap *out, struct sandbox_error *error);

#endif
