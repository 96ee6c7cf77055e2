/* The holes of a file, for an archive. */
#ifndef IMAGE_TAR_SPARSE_H
#define IMAGE_TAR_SPARSE_H

#include <stdbool.h>
#include <sys/stat.h>

#include "image/tar.h"

struct tar_sparse {
	bool found; /* it is worth while to leave its holes out */
	struct tar_extent *items;
	size_t count, room;
};

void tar_sparse_finish(struct tar_sparse *sparse);

/*
 * Finds what is data in a file. One without holes of any size counts as data as a whole, and where there are very many, so
 * do the small ones. 0, or -1 and errno.
 */
int tar_sparse_find(struct tar_sparse *sparse, int fd, const struct stat *status);

#endif
