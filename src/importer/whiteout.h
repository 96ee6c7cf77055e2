/*
 * Deletions in the layer of an image (the OCI image spec, layer.md, "Whiteouts"), and what overlay wants in their place
 * (Documentation/filesystems/overlayfs.rst):
 *
 *	.wh.NAME        a character device 0:0 of that name, which any user may make since Linux 5.8
 *	.wh..wh..opq    the attribute user.overlay.opaque on the directory. (Of the layer's root: see *out_opaque)
 *	.wh..wh.*       aufs's own notes, which every reader passes over
 *
 * A deletion concerns the layers below alone, whatever stands before or after it in this one: where the layer has a
 * directory NAME itself, that becomes opaque; any other NAME of its own hides what lies below anyway.
 */
#ifndef IMPORTER_WHITEOUT_H
#define IMPORTER_WHITEOUT_H

#include <stdbool.h>
#include <sys/stat.h>

#include "base/error.h"
#include "importer/entry_path.h"

/* Whether a component of the path begins with ".wh.". */
bool whiteout_is_meant(const struct entry_path *path);

/*
 * Carries out the deletion `path` in the directory `parent` that holds it. *out_opaque is set when the layer's root is
 * meant, which is for the caller to see to. 0 or -errno: E_ARCHIVE_HOSTILE for names that delete no file.
 */
int whiteout_make(int parent, const struct entry_path *path, bool *out_opaque, struct sandbox_error *error);

/* Whether an object in the tree is a deletion made before. */
bool whiteout_is_made(const struct stat *status);

/* Makes the directory `name` of `parent` in the place of such a one: nothing below it is to be seen. 0 or -errno. */
int whiteout_replace(int parent, const char *name, const char *path, struct sandbox_error *error);

#endif
