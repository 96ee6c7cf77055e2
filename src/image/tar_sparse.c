#include "image/tar_sparse.h"

#include <errno.h>
#include <stdlib.h>
#include <unistd.h>

enum {
	STAT_BLOCK = 512,
	HOLES_SIZE_MIN = 64 << 10, /* what the map costs, and a reader who does not know it */
	/* Go's reader takes no map of more than a megabyte. */
	EXTENTS_MAX = 16 << 10,
};

void tar_sparse_finish(struct tar_sparse *sparse)
{
	free(sparse->items);
	*sparse = (struct tar_sparse){0};
}

/* False when there are too many. */
static bool add_extent(struct tar_sparse *sparse, off_t offset, off_t end)
{
	if (sparse->count == EXTENTS_MAX)
		return false;
	if (sparse->count == sparse->room) {
		size_t room = sparse->room ? 2 * sparse->room : 16;
		struct tar_extent *larger = reallocarray(sparse->items, room, sizeof(*larger));

		if (!larger)
			return false;
		sparse->items = larger;
		sparse->room = room;
	}
	sparse->items[sparse->count++] = (struct tar_extent){(uint64_t)offset, (uint64_t)(end - offset)};
	return true;
}

int tar_sparse_find(struct tar_sparse *sparse, int fd, const struct stat *status)
{
	off_t size = status->st_size, end = 0, holes = 0;

	sparse->found = false;
	sparse->count = 0;
	if (size < HOLES_SIZE_MIN || status->st_blocks * STAT_BLOCK >= size)
		return 0;
	while (end < size) {
		off_t data = lseek(fd, end, SEEK_DATA);

		/* Nothing but a hole up to the end. */
		if (data < 0 && errno == ENXIO)
			data = size;
		if (data < 0)
			return -1;
		if (data > size)
			data = size;
		holes += data - end;
		end = data == size ? size : lseek(fd, data, SEEK_HOLE);
		if (end < 0)
			return -1;
		if (end > size)
			end = size;
		/* One of no size at the end says how long the file is: so GNU tar has it. */
		if (!add_extent(sparse, data, end))
			return 0;
	}
	sparse->found = holes >= HOLES_SIZE_MIN;
	return 0;
}
