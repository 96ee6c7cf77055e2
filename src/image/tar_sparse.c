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

/* Takes small holes for data until a half is left, doubling what is small. A map of few pages is worth more than those. */
static void join_extents(struct tar_sparse *sparse, uint64_t *small)
{
	while (sparse->count > EXTENTS_MAX / 2) {
		size_t kept = 1;

		for (size_t i = 1; i < sparse->count; i++) {
			struct tar_extent *last = &sparse->items[kept - 1], *next = &sparse->items[i];

			if (next->offset - (last->offset + last->size) <= *small)
				last->size = next->offset + next->size - last->offset;
			else
				sparse->items[kept++] = *next;
		}
		sparse->count = kept;
		*small *= 2;
	}
}

/* False without memory. */
static bool add_extent(struct tar_sparse *sparse, off_t offset, off_t end, uint64_t *small)
{
	if (sparse->count == EXTENTS_MAX)
		join_extents(sparse, small);
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
	uint64_t small = STAT_BLOCK;

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
		if (!add_extent(sparse, data, end, &small))
			return 0;
	}
	sparse->found = holes >= HOLES_SIZE_MIN;
	return 0;
}
