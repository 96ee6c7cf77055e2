/* Layers of the store as members of an archive. */
#ifndef IMAGE_SAVE_LAYERS_H
#define IMAGE_SAVE_LAYERS_H

#include <sandbox/image.h>
#include <stdbool.h>

#include "base/error.h"
#include "image/layer_source.h"
#include "image/save_form.h"
#include "image/tree_tar.h"

/* Where the archive is written to, one member after the other. */
struct save_output {
	int fd;
	bool seekable; /* a header can be written when its member is */
	int spool;     /* else: a file without a name, for a member whose size is not known yet; or -1 */
	enum sandbox_save_format format;
	/*
	 * Of the members. skopeo unpacks an OCI archive, and gives the files to whoever they belong to there: who is not root
	 * can only do that where it is himself, and so it writes such archives itself.
	 */
	uid_t uid;
	gid_t gid;
};

/* 0 or -errno. To be finished in either case, which leaves output->fd open. */
int save_output_open(struct save_output *output, struct image_store *store, int fd, enum sandbox_save_format format,
	struct sandbox_error *error);
void save_output_finish(struct save_output *output);

/* The directories of the format. 0 or -errno. */
int save_begin(const struct save_output *output, struct sandbox_error *error);

/* Writes a member: a whole small file. 0 or -errno. */
int save_member(const struct save_output *output, const char *name, const char *text, struct sandbox_error *error);

/* The marker of the end. 0 or -errno. */
int save_end(const struct save_output *output, struct sandbox_error *error);

/* A layer that is to be written; `saved` says what it is once it was. */
struct save_job {
	struct layer_source source;
	struct saved_layer saved;
	bool opaque; /* nothing of those below it is to be seen */
};

/*
 * Writes the layers, in user namespaces of whoever owns them. *counts gets what all of them had, or could not say. 0 or
 * -errno.
 */
int save_layers(const struct save_output *output, struct save_job *jobs, size_t count,
	const struct sandbox_progress *progress, struct tree_tar_counts *counts, struct sandbox_error *error);

#endif
