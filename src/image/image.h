/*
 * Images: from what the user named to layers that can be mounted. The store is opened first (store.h).
 */
#ifndef IMAGE_IMAGE_H
#define IMAGE_IMAGE_H

#include <stdbool.h>
#include <stdint.h>

#include <sandbox/progress.h>
#include <sandbox/strings.h>

#include "base/digest.h"
#include "base/error.h"
#include "image/protocol.h"
#include "image/record.h"
#include "image/store.h"
#include "userns/idmap.h"

/* How an image is to be had. The defaults are those of image_request_init. */
struct image_request {
	const struct idmap *map; /* the ids that its files will have; borrowed */
	struct sandbox_import_limits limits;
	bool name_from_archive; /* where `name` is NULL: the archive's own for it, unless other images have them */
	const char *name;     /* to give to the image from now on; NULL: none. Borrowed */
	const char *importer; /* path of sandbox-import; NULL: beside this program, else ../libexec/sandbox. Borrowed */
	bool durable;         /* it survives a power cut from the moment of success on */
	/* Asked before an import begins; anything but 0 is image_resolve's result, and nothing was made. NULL: not asked. */
	int (*before_import)(void *context, struct sandbox_error *error);
	struct import_choice choice; /* which image of an archive that has several */
	const char *home;     /* of the caller, which no folder may hold that is an image; or NULL. Borrowed */
	const char *source;   /* what to call its file in the record; NULL: what it is called. Borrowed */
	bool archive_only;    /* the reference is a path or "-", never a name */
	const struct sandbox_progress *progress; /* or NULL. Borrowed */
	void *context;
};

void image_request_init(struct image_request *request, const struct idmap *map);

/*
 * Reads which image is meant: `platform` is OS/ARCHITECTURE[/VARIANT], `name` what the archive calls it; either may be
 * NULL. 0, or -EINVAL with E_USAGE.
 */
int image_choice_read(const char *platform, const char *name, struct import_choice *out, struct sandbox_error *error);

bool image_is_chosen(const struct import_choice *choice);
/* Whether the image is the chosen one. 0, or -EINVAL with E_IMAGE_CHOICE. */
int image_choice_check(const struct import_choice *choice, const struct image_config *config, struct sandbox_error *error);

/* The digest that an image goes by: its archive's, mixed with the choice where there was one. */
void image_key(const struct digest *archive, const struct import_choice *choice, struct digest *out);

/* An image that can be mounted, and stays so until image_finish: the lease keeps its layers from removal. */
struct image {
	struct image_record record;
	struct sandbox_strings layers; /* below image_directory(), bottom first: "DIFFID-KEY/root" */
	struct sandbox_strings notices; /* what an import had to leave out, a sentence each */
	int *leases; /* descriptors of the layers' directories, with shared locks; of the folder itself */
	size_t lease_count;
	size_t of_several; /* just imported: how many images its archive has that fit the choice, whose number left aside */
	bool folder;   /* a folder of the host's, which has no record: folder.h */
	bool imported; /* just now */
	bool durable;  /* all of its layers are on the disk: else call image_make_durable in a quiet moment */
};

void image_finish(struct image *image);

/* The directory that image->layers are below. Borrowed. */
int image_directory(const struct image_store *store, const struct image *image);

/*
 * Finds the image that `reference` names, or imports it. A reference is, in this order: "-" (an archive on
 * standard input); "sha256:" and at least 12 digits; what begins with a slash or a dot, or is the path of an existing file:
 * an archive or a folder; the name of a stored image, or its end (reference.h); at least 12 digits of a digest; the name of
 * a folder here.
 *
 * An archive whose identity (device, inode, size, mtime, ctime) is known is not read again. Only one process
 * imports an archive at a time; others wait for it and share the result.
 *
 * 0 or -errno: E_IMAGE_UNKNOWN, the E_ARCHIVE_… of the importer, E_NO_SPACE, E_HOME_UNUSABLE, or what
 * userns_start says.
 */
int image_resolve(struct image_store *store, const char *reference, const struct image_request *request,
	struct image *out, struct sandbox_error *error);

/* Names an image whose layers are leased. 0 or -errno. */
int image_name(struct image_store *store, const struct image *image, const char *name, struct sandbox_error *error);

/* Brings the layers to the disk (syncfs) and records that. Takes as long as the disk does. 0 or -errno. */
int image_make_durable(struct image_store *store, struct image *image, struct sandbox_error *error);

/* Finds a stored image without importing or leasing anything. 0 or -errno with E_IMAGE_UNKNOWN. */
int image_find(struct image_store *store, const char *reference, struct image_record *out,
	struct sandbox_error *error);

#endif
