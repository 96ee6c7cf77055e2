/* A new image: that of a sandbox, and what was written over it as one more layer. */
#ifndef IMAGE_COMMIT_H
#define IMAGE_COMMIT_H

#include <sandbox/progress.h>

#include "base/digest.h"
#include "base/error.h"
#include "image/record.h"
#include "image/store.h"
#include "userns/idmap.h"

struct image_commit {
	const struct idmap *map;  /* that the image's layers are stored for, and the new one is to be */
	struct image_record *base; /* the image below; its configuration is the new one's already. Borrowed, and used up */
	int layer;                /* the tar stream of the layer, from its beginning */
	uint64_t size;
	struct digest diff;       /* of that stream */
	const char *source;       /* what is said of its origin */
	const char *comment;      /* or NULL */
	const char *name;         /* to give to the image; NULL: none */
};

/*
 * Adds it to the store: the layer is unpacked into a staging directory, as any other, and when this returns 0 the image
 * survives a power cut. *out_digest is what it goes by. 0 or -errno, and then there is no such image.
 */
int image_commit(struct image_store *store, const struct image_commit *commit, struct digest *out_digest,
	struct sandbox_error *error);

/*
 * Applies a line of a Dockerfile to a configuration: CMD, ENTRYPOINT, ENV, EXPOSE, LABEL, STOPSIGNAL, USER or WORKDIR.
 * 0, or -EINVAL with E_USAGE.
 */
int image_config_change(struct image_config *config, const char *line, struct sandbox_error *error);

#endif
