/*
 * A tree as a tar stream: tar_writer, fed by a walk. Runs as root of a user namespace of the ids that own the tree, so
 * owners are those inside.
 *
 * Left out: what only means something to overlay or to us (user.overlay.*, user.containers.*: with a single id the
 * recorded owners, set-id bits and capabilities are written as what they stand for), other attributes than user.* and file
 * capabilities, sockets, and what is in directories of the kernel's own that are mounted in the tree. Devices are where
 * notes of the store's trees say so (notes.h).
 */
#ifndef IMAGE_TREE_TAR_H
#define IMAGE_TREE_TAR_H

#include <stdint.h>

#include "base/error.h"
#include "image/tar.h"
#include "image/tree_walk.h"

enum tree_tar_form {
	/* A whole tree, in which overlay's whiteouts are unknown. */
	TREE_TAR_WHOLE,
	/*
	 * The layer of an image: what overlay has to say of deletions becomes ".wh." names, and so do those that a comparison
	 * with the base finds. A file that has such a name itself is an error. A root directory that no archive listed
	 * (0:0, 0755, of 1970), or that is compared, is left out unless something else was made of it.
	 */
	TREE_TAR_LAYER,
};

struct tree_tar_counts {
	uint64_t entries;
	uint64_t bytes;   /* of the stream */
	uint64_t changed; /* files that were exchanged or shortened while they were read: cut, padded with zeros, or missing */
	uint64_t sockets;
	uint64_t attributes; /* that were left out, though the file had them */
};

struct tree_tar {
	struct tar_writer *writer;
	enum tree_tar_form form;
	int root;           /* borrowed, as the next */
	int base;           /* or -1: tree_walk.h */
	const char *prefix; /* the name of the root in the archive; "" for "./" */
	bool recorded;      /* with a single id: what is recorded of owners and capabilities counts */
	bool noted;         /* `root` is a tree of the store, and what its directories note counts, too */
	/* Else the trees whose notes count, the uppermost first; borrowed. */
	const int *layers;
	size_t layer_count;
	/* Called often; or NULL. */
	void (*progress)(void *context, const struct tree_tar_counts *counts);
	/* Asked for each object; true leaves it out with all below it. Or NULL. */
	bool (*omit)(void *context, const struct tree_node *node);
	void *context;
};

/* Writes its entries, without the end of the stream. 0 or -errno. */
int tree_tar(const struct tree_tar *tree, struct tree_tar_counts *out, struct sandbox_error *error);

/* One object alone, which is no directory, as `name`. 0 or -errno. */
int tree_tar_object(const struct tree_tar *tree, const struct tree_node *node, const char *name,
	struct tree_tar_counts *out, struct sandbox_error *error);

#endif
