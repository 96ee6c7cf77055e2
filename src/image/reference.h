/* What a user calls an image. image.h tells the order. */
#ifndef IMAGE_REFERENCE_H
#define IMAGE_REFERENCE_H

#include <stdbool.h>

#include "base/digest.h"
#include "base/error.h"
#include "image/store.h"

enum reference_kind {
	REFERENCE_INPUT,  /* "-" */
	REFERENCE_PATH,   /* of an archive */
	REFERENCE_STORED, /* a name or digits of a digest */
	REFERENCE_NAME_OR_PATH, /* it has slashes, and there is no such file */
};

/* Looks whether there is a file of that name, unless `archive_only` leaves no other meaning. */
enum reference_kind reference_kind(const char *reference, bool archive_only);

/*
 * The digest of the stored image that a reference means: its name; the path of the archive that it was imported from; at
 * least 12 digits of a digest; or what its name ends with behind a slash, if only one does, and without the tag "latest".
 * 0 or -errno with E_IMAGE_UNKNOWN: there is none, or it fits several.
 */
int reference_find(struct image_store *store, const char *reference, struct digest *out,
	struct sandbox_error *error);

/* The same, with the whole name that it was found by; "" when it was found by its digest or archive. */
int reference_find_name(struct image_store *store, const char *reference, struct digest *out,
	char out_name[IMAGE_NAME_MAX + 1], struct sandbox_error *error);

/*
 * The digest of the one image that was imported from a file of this name. 0 or -errno with E_IMAGE_UNKNOWN: there is
 * none, or there are several. It is no way to name an image that is run: the name says little about its content.
 */
int reference_find_source(struct image_store *store, const char *source, struct digest *out,
	struct sandbox_error *error);

#endif
