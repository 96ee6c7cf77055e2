/*
 * userns/subid and userns/idmap: whatever a line of /etc/subuid says, the ranges that come out hold the
 * header's promises, and the map made of them is one that the kernel could be given.
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/scope.h"
#include "userns/idmap.h"
#include "userns/subid.h"

enum { OWN_ID = 1000 };

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check_ranges(const struct id_ranges *ranges)
{
	for (size_t i = 0; i < ranges->count; i++) {
		const struct id_range *range = &ranges->items[i];
		uint64_t end = (uint64_t)range->first + range->count;

		if (range->first == 0 || range->count == 0 || end > UINT32_MAX)
			abort();
		if (OWN_ID >= range->first && OWN_ID < end)
			abort();
		for (size_t j = 0; j < i; j++) {
			const struct id_range *other = &ranges->items[j];

			if (range->first < (uint64_t)other->first + other->count && other->first < end)
				abort();
		}
	}
}

static void check_map(const struct idmap *map)
{
	uint32_t outside;

	for (size_t i = 0; i < map->users.count; i++) {
		const struct id_extent *extent = &map->users.items[i];

		if (!id_extents_lookup(&map->users, extent->inside + extent->count - 1, &outside) ||
		    outside != extent->outside + extent->count - 1 || outside == 0)
			abort();
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	auto_finish(id_ranges_finish) struct id_ranges ranges = {0};
	auto_free char *text = malloc(size + 1);
	struct id_extents extents;
	struct idmap map;

	if (!text)
		return 0;
	memcpy(text, data, size);
	text[size] = '\0';
	if (subid_parse(text, "/etc/subuid", "alice", OWN_ID, &ranges, NULL) == 0) {
		check_ranges(&ranges);
		if (idmap_ranges(&map, OWN_ID, OWN_ID, &ranges, &ranges, NULL) == 0)
			check_map(&map);
	}
	if (id_extents_parse(text, &extents, NULL) == 0)
		id_extents_join(&extents);
	return 0;
}
