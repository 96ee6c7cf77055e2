/* The descriptions in an archive of images: image-spec/config.md and manifest.md of OCI, and Docker's manifest.json. */
#ifndef IMAGE_SAVE_FORM_H
#define IMAGE_SAVE_FORM_H

#include "base/digest.h"
#include "image/record.h"

/* A layer that is in the archive. */
struct saved_layer {
	struct digest tree; /* by which the store knows it */
	struct digest diff; /* of what was written */
	uint64_t size;
};

/* An image on its way into the archive. */
struct saved_image {
	struct image_record record;
	char *name; /* that it has there, or NULL; owned */
	struct saved_layer *layers; /* the lowest first; owned */
	size_t layer_count;
	struct digest config; /* of its configuration */
	struct digest manifest;
	size_t manifest_size;
};

void saved_image_finish(struct saved_image *image);

/* JSON texts; the caller frees. */
char *save_config_text(const struct saved_image *image);
char *save_manifest_text(const struct saved_image *image, size_t config_size);
/* Docker's manifest.json, and OCI's index.json. */
char *save_docker_manifest_text(const struct saved_image *images, size_t count);
char *save_index_text(const struct saved_image *images, size_t count);

#endif
