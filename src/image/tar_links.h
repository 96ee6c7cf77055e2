/* Which files of an archive were written already, under which name: for those with several names. */
#ifndef IMAGE_TAR_LINKS_H
#define IMAGE_TAR_LINKS_H

#include <stddef.h>
#include <sys/stat.h>

struct tar_links {
	struct tar_link {
		dev_t device;
		ino_t inode;
		char *path; /* NULL: a free place */
	} *items;
	size_t count, room; /* room is a power of two, or 0 */
	size_t bytes;       /* of all paths */
};

/* Whoever wrote the tree also chose how many such files it has, and how deep they lie. */
enum { TAR_LINKS_BYTES_MAX = 256 << 20, TAR_LINKS_COUNT_MAX = 4 << 20 };

void tar_links_finish(struct tar_links *links);

/*
 * *out_path is the first path that this file was found under (borrowed); NULL when `path` is, which is remembered. 0, -E2BIG
 * for more than is remembered at most, or -ENOMEM.
 */
int tar_links_find(struct tar_links *links, const struct stat *status, const char *path, const char **out_path);

#endif
