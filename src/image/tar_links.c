#include "image/tar_links.h"

#include <errno.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

enum { FIRST_ROOM = 64 };

void tar_links_finish(struct tar_links *links)
{
	for (size_t i = 0; i < links->room; i++)
		free(links->items[i].path);
	free(links->items);
	*links = (struct tar_links){0};
}

/* Where the file is, or would be: there is always a free place. */
static struct tar_link *find_place(const struct tar_links *links, dev_t device, ino_t inode)
{
	size_t mask = links->room - 1;
	size_t place = (size_t)(((uint64_t)inode ^ (uint64_t)device << 32) * UINT64_C(0x9e3779b97f4a7c15) >> 32) & mask;

	while (links->items[place].path && (links->items[place].inode != inode || links->items[place].device != device))
		place = (place + 1) & mask;
	return &links->items[place];
}

static int grow(struct tar_links *links)
{
	struct tar_links larger = {.count = links->count, .room = links->room ? 2 * links->room : FIRST_ROOM};

	larger.items = calloc(larger.room, sizeof(*larger.items));
	if (!larger.items)
		return -ENOMEM;
	for (size_t i = 0; i < links->room; i++)
		if (links->items[i].path)
			*find_place(&larger, links->items[i].device, links->items[i].inode) = links->items[i];
	free(links->items);
	*links = larger;
	return 0;
}

int tar_links_find(struct tar_links *links, const struct stat *status, const char *path, const char **out_path)
{
	struct tar_link *place;
	char *copy;

	*out_path = NULL;
	if (2 * links->count >= links->room && grow(links) < 0)
		return -ENOMEM;
	place = find_place(links, status->st_dev, status->st_ino);
	if (place->path) {
		*out_path = place->path;
		return 0;
	}
	if (links->count == TAR_LINKS_COUNT_MAX || strlen(path) >= TAR_LINKS_BYTES_MAX - links->bytes)
		return -E2BIG;
	copy = strdup(path);
	if (!copy)
		return -ENOMEM;
	links->bytes += strlen(path) + 1;
	*place = (struct tar_link){status->st_dev, status->st_ino, copy};
	links->count++;
	return 0;
}
