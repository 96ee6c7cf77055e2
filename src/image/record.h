/*
 * What the store knows of an image, in images/DIGEST.json, and of a layer, in layers/DIFFID-KEY/layer.json.
 *
 * An empty record is one that a power cut left behind: an import that has reported success is on the disk, so nobody
 * was promised that image, and the record counts as absent. Any other that cannot be understood is damaged, or from a
 * newer version: then nobody knows what it needs, and nothing may be removed that it might (image_records_check).
 */
#ifndef IMAGE_RECORD_H
#define IMAGE_RECORD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/digest.h"
#include "base/error.h"
#include "image/config.h"
#include "image/protocol.h"

/* One of the file system trees that lie on top of each other in an image. */
struct image_layer {
	struct digest diff; /* of the uncompressed tar stream: the "diff id" of the OCI image spec */
	struct digest tree; /* of all that makes its files what they are: their name in the store (layer.h) */
	bool opaque;        /* nothing of those below it is to be seen */
};

struct image_record {
	struct digest digest;     /* of the archive file, or what image_key makes of it */
	struct digest archive;    /* then that of the archive itself; else empty */
	struct image_layer *layers; /* the lowest first; at least one */
	size_t layer_count;
	char *source;             /* the file's name when it was imported, "-" for standard input */
	char compression[8];
	int64_t created;          /* seconds since the epoch, when it was imported */
	int64_t used;             /* seconds since the epoch, about when it was last run: the record's time stamp */
	bool committed;           /* it came from a sandbox: no archive brings it back */
	struct import_counts counts;
	struct image_config config;
};

void image_record_finish(struct image_record *record);
void image_record_add_layer(struct image_record *record, const struct digest *diff, const struct digest *tree,
	bool opaque);

/* Whether it stands on the layer of that name, under whatever id map. */
bool image_record_has_layer(const struct image_record *record, const char *layer);

/*
 * 0, -ENOENT when there is no such record, -EUCLEAN with E_IMAGE_DAMAGED when it cannot be understood, or -errno.
 * `digest` is 64 hex digits.
 */
int image_record_load(int store, const char *digest, struct image_record *out, struct sandbox_error *error);
/* Whether there is one, damaged or not. */
bool image_record_exists(int store, const char *digest);
int image_record_save(int store, const struct image_record *record, struct sandbox_error *error);
/* Removes it; a missing one is fine. 0 or -errno. */
int image_record_remove(int store, const struct digest *digest, struct sandbox_error *error);
/* Notes that the image is used now, to within a minute. A failure only makes it seem older. */
void image_record_touch(int store, const struct image_record *record);

struct image_records {
	struct image_record *items;
	size_t count;
	struct sandbox_strings damaged; /* digests of those that cannot be understood */
	struct sandbox_error why;       /* of the first of these */
};

/* All images, the oldest first. 0 or -errno. */
int image_records_load(int store, struct image_records *out, struct sandbox_error *error);

/* Whether an archive of so many bytes was imported: only then is it worth a hash to find out which. */
bool image_records_have_size(int store, uint64_t bytes);
/* 0, or -EUCLEAN when there are damaged ones: for who removes what nobody needs. */
int image_records_check(const struct image_records *records, struct sandbox_error *error);
void image_records_finish(struct image_records *records);

/* The machine and the boot that a layer was written in. Empty strings where the machine does not tell. */
struct boot_identity {
	char machine[40]; /* /etc/machine-id: machine-id(5) */
	char boot[40];    /* /proc/sys/kernel/random/boot_id: random(4) */
};

void boot_identity_read(struct boot_identity *out);

/* 0 or -errno; -ENOENT for a record that is absent or unreadable. `wrapper` is the layer's directory. */
int layer_record_load(int wrapper, struct boot_identity *out, struct sandbox_error *error);
int layer_record_save(int wrapper, const struct digest *tree, const struct boot_identity *identity,
	struct sandbox_error *error);

/*
 * How many entries made a layer, in its counts.json: an image that finds the layer in the store is as large as the one
 * that brought it. 0 or -errno.
 */
int layer_counts_load(int wrapper, struct import_counts *out, struct sandbox_error *error);
int layer_counts_save(int wrapper, const struct import_counts *counts, struct sandbox_error *error);

#endif
