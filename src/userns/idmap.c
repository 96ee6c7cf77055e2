#include "userns/idmap.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/digest.h"
#include "base/memory.h"
#include "base/scope.h"
#include "base/text.h"

static bool extents_cross(uint32_t left, uint32_t left_count, uint32_t right, uint32_t right_count)
{
	return left < (uint64_t)right + right_count && right < (uint64_t)left + left_count;
}

static int extent_refused(struct sandbox_error *error, struct id_extent extent, const char *why)
{
	error_set(error, EINVAL, "map ids %u-%llu to %u", extent.inside,
		(unsigned long long)extent.inside + (extent.count ? extent.count - 1 : 0), extent.outside);
	error_cause(error, SANDBOX_E_SUBID_INVALID, "%s", why);
	return error_fix(error, "choose ranges that do not overlap and end below 4294967295 (--uidmap, /etc/subuid)");
}

int id_extents_add(struct id_extents *extents, struct id_extent extent, struct sandbox_error *error)
{
	const uint32_t most = UINT32_MAX - 1;

	if (extent.count == 0)
		return extent_refused(error, extent, "the range is empty");
	if (extent.count - 1 > most - extent.inside || extent.inside > most || extent.outside > most ||
	    extent.count - 1 > most - extent.outside)
		return extent_refused(error, extent, "the range ends above 4294967294");
	if (extents->count == ID_MAP_EXTENTS_MAX)
		return extent_refused(error, extent, "there are too many ranges");
	for (size_t i = 0; i < extents->count; i++) {
		const struct id_extent *other = &extents->items[i];

		if (extents_cross(other->inside, other->count, extent.inside, extent.count) ||
		    extents_cross(other->outside, other->count, extent.outside, extent.count))
			return extent_refused(error, extent, "the range overlaps another one");
	}
	extents->items[extents->count++] = extent;
	return 0;
}

void idmap_single(struct idmap *map, uint32_t uid, uint32_t gid)
{
	*map = (struct idmap){
		.users = {.items = {{0, uid, 1}}, .count = 1},
		.groups = {.items = {{0, gid, 1}}, .count = 1},
		.single = true,
	};
}

static int id_extents_build(struct id_extents *extents, uint32_t own_id, const struct id_ranges *ranges,
	struct sandbox_error *error)
{
	uint32_t next = 1;
	int result = id_extents_add(extents, (struct id_extent){0, own_id, 1}, error);

	for (size_t i = 0; i < ranges->count && result == 0; i++) {
		const struct id_range *range = &ranges->items[i];

		result = id_extents_add(extents, (struct id_extent){next, range->first, range->count}, error);
		next += range->count;
	}
	return result;
}

int idmap_ranges(struct idmap *map, uint32_t uid, uint32_t gid, const struct id_ranges *users,
	const struct id_ranges *groups, struct sandbox_error *error)
{
	int result;

	*map = (struct idmap){.single = false};
	result = id_extents_build(&map->users, uid, users, error);
	if (result == 0)
		result = id_extents_build(&map->groups, gid, groups, error);
	return result;
}

/* How many of the `count` ids from `outside` on are alike: covered, or not. */
static uint32_t alike_ids(const struct id_extents *extents, uint32_t outside, uint32_t count, bool *out_covered)
{
	*out_covered = false;
	for (size_t i = 0; i < extents->count; i++) {
		const struct id_extent *extent = &extents->items[i];
		uint32_t skipped = outside - extent->outside;

		if (outside >= extent->outside && skipped < extent->count) {
			*out_covered = true;
			return extent->count - skipped < count ? extent->count - skipped : count;
		}
		if (extent->outside > outside && extent->outside - outside < count)
			count = extent->outside - outside;
	}
	return count;
}

static int id_extents_cover(struct id_extents *extents, const struct id_extents *wanted, struct sandbox_error *error)
{
	uint32_t next = 0;
	int result = 0;

	for (size_t i = 0; i < extents->count; i++)
		next += extents->items[i].count;
	for (size_t i = 0; i < wanted->count; i++) {
		struct id_extent rest = wanted->items[i];

		while (rest.count && result == 0) {
			bool covered;
			uint32_t count = alike_ids(extents, rest.outside, rest.count, &covered);

			if (!covered) {
				result = id_extents_add(extents, (struct id_extent){next, rest.outside, count}, error);
				next += count;
			}
			rest.outside += count;
			rest.count -= count;
		}
	}
	return result;
}

static int id_extents_unite(struct id_extents *out, const struct id_extents *root, const struct id_extents *other,
	struct sandbox_error *error)
{
	struct id_extent first = {.count = 1};
	int result;

	if (!id_extents_lookup(root, 0, &first.outside))
		return error_set(error, EINVAL, "the id map has no root");
	*out = (struct id_extents){.items = {first}, .count = 1};
	result = id_extents_cover(out, root, error);
	return result < 0 ? result : id_extents_cover(out, other, error);
}

int idmap_cover(struct idmap *map, const struct idmap *root, const struct idmap *other, struct sandbox_error *error)
{
	int result;

	*map = (struct idmap){.single = root->single && other->single};
	result = id_extents_unite(&map->users, &root->users, &other->users, error);
	return result < 0 ? result : id_extents_unite(&map->groups, &root->groups, &other->groups, error);
}

bool id_extents_lookup(const struct id_extents *extents, uint32_t inside, uint32_t *out_outside)
{
	for (size_t i = 0; i < extents->count; i++) {
		const struct id_extent *extent = &extents->items[i];

		if (inside < extent->inside || inside - extent->inside >= extent->count)
			continue;
		if (out_outside)
			*out_outside = extent->outside + (inside - extent->inside);
		return true;
	}
	return false;
}

bool id_extents_find(const struct id_extents *extents, uint32_t outside, uint32_t *out_inside)
{
	for (size_t i = 0; i < extents->count; i++) {
		const struct id_extent *extent = &extents->items[i];

		if (outside < extent->outside || outside - extent->outside >= extent->count)
			continue;
		if (out_inside)
			*out_inside = extent->inside + (outside - extent->outside);
		return true;
	}
	return false;
}

int id_extents_parse(const char *text, struct id_extents *out, struct sandbox_error *error)
{
	auto_free char *copy = memory_text(text);
	char *rest = copy, *line;

	*out = (struct id_extents){.count = 0};
	while ((line = strsep(&rest, "\n"))) {
		struct id_extent extent;
		int result;

		if (!*line)
			continue;
		if (sscanf(line, "%u %u %u", &extent.inside, &extent.outside, &extent.count) != 3)
			return error_set(error, EINVAL, "parse id map line \"%s\"", line);
		result = id_extents_add(out, extent, error);
		if (result < 0)
			return result;
	}
	return 0;
}

static int extent_compare(const void *left, const void *right)
{
	uint32_t first = ((const struct id_extent *)left)->inside, second = ((const struct id_extent *)right)->inside;

	return first < second ? -1 : first > second;
}

void id_extents_join(struct id_extents *extents)
{
	size_t used = 0;

	qsort(extents->items, extents->count, sizeof(extents->items[0]), extent_compare);
	for (size_t i = 0; i < extents->count; i++) {
		struct id_extent *last = used ? &extents->items[used - 1] : NULL;
		struct id_extent *extent = &extents->items[i];

		if (last && last->inside + last->count == extent->inside && last->outside + last->count == extent->outside)
			last->count += extent->count;
		else
			extents->items[used++] = *extent;
	}
	extents->count = used;
}

bool id_extents_equal(const struct id_extents *left, const struct id_extents *right)
{
	return left->count == right->count &&
		memcmp(left->items, right->items, left->count * sizeof(left->items[0])) == 0;
}

void idmap_key(const struct idmap *map, char out[IDMAP_KEY_SIZE])
{
	char users[ID_MAP_EXTENTS_MAX * 36], groups[ID_MAP_EXTENTS_MAX * 36];
	auto_free char *text = memory_format("%s; %s; %s", map->single ? "single" : "ranges",
		id_extents_format(&map->users, users, sizeof(users)),
		id_extents_format(&map->groups, groups, sizeof(groups)));
	struct digest digest;

	digest_of(text, strlen(text), &digest);
	memcpy(out, digest.hex, IDMAP_KEY_SIZE - 1);
	out[IDMAP_KEY_SIZE - 1] = '\0';
}

const char *id_extents_format(const struct id_extents *extents, char *buffer, size_t size)
{
	size_t used = 0;

	buffer[0] = '\0';
	for (size_t i = 0; i < extents->count && used < size; i++) {
		const struct id_extent *extent = &extents->items[i];

		used += (size_t)snprintf(buffer + used, size - used, "%s%u %u %u", i ? ", " : "", extent->inside,
			extent->outside, extent->count);
	}
	return buffer;
}
