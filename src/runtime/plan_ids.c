/* Deciding the id map: whose ids the sandbox uses. */
#include <errno.h>

#include "base/log.h"
#include "runtime/plan.h"
#include "userns/newidmap.h"

enum {
	ROOT_RANGE_SIZE = 65536,
	/* Where systemd, too, takes the ids of containers from (its UIDS-GIDS document): 0x80000 to 0x6fffffff. */
	ROOT_RANGE_FIRST = 0x80000,
	ROOT_RANGE_LAST = 0x6fffffff,
};

static int missing_subids(const struct host *host, struct sandbox_error *error)
{
	if (!host->nested_root)
		return subid_explain_missing(host->subuids.count ? SUBID_GROUPS : SUBID_USERS, host->user.name, error);
	error_set(error, ENOENT, "map ids");
	error_cause(error, SANDBOX_E_SUBID_MISSING, "the user namespace around this process has no id but its root's");
	return error_fix(error, "give it more ids, as podman does by default");
}

/* Why this user cannot have a range of ids here: 0, or -errno with the reason. */
static int check_ranges(const struct host *host, struct sandbox_error *error)
{
	if (!host->subuids.count || !host->subgids.count)
		return missing_subids(host, error);
	if (host->nested_root)
		return 0;
	if (!host->newidmap_installed)
		return newidmap_explain_missing(error);
	if (host->no_new_privs)
		return newidmap_explain_no_new_privs(error);
	return 0;
}

/*
 * The host's root must not become root of a sandbox: he is given the first block of ids that
 * nobody in /etc/subuid and /etc/subgid has.
 */
static int decide_for_root(const struct userns_request *request, const struct host *host, struct idmap *out,
	struct sandbox_error *error)
{
	if (request->mode == USERNS_KEEP_ID || request->mode == USERNS_CUSTOM) {
		error_set(error, EPERM, "map ids");
		error_cause(error, SANDBOX_E_USAGE, "the host's root is never mapped, so there is no id of his to keep or place");
		return error_fix(error, "run sandbox as an ordinary user, or leave --userns, --uidmap and --gidmap out");
	}
	for (uint32_t first = ROOT_RANGE_FIRST; first < ROOT_RANGE_LAST; first += ROOT_RANGE_SIZE) {
		struct id_range rest = {first + 1, ROOT_RANGE_SIZE - 1};
		struct id_ranges ranges = {&rest, 1};
		bool taken = false;

		for (size_t i = 0; i < host->taken.count && !taken; i++) {
			const struct id_range *other = &host->taken.items[i];

			taken = first < (uint64_t)other->first + other->count &&
				other->first < (uint64_t)first + ROOT_RANGE_SIZE;
		}
		if (taken)
			continue;
		if (request->mode == USERNS_SINGLE) {
			idmap_single(out, first, first);
			return 0;
		}
		return idmap_ranges(out, first, first, &ranges, &ranges, error);
	}
	error_set(error, ENOSPC, "map ids");
	error_cause(error, SANDBOX_E_SUBID_MISSING, "every block of ids from %d on is given away in /etc/subuid",
		ROOT_RANGE_FIRST);
	return error_fix(error, "run sandbox as an ordinary user");
}

/* The caller's own id keeps its place; what lies below and above it is subordinate. */
static int keep_id(struct id_extents *out, uint32_t inside, uint32_t own_id, const struct id_ranges *ranges,
	struct sandbox_error *error)
{
	uint32_t next = inside == 0;
	int result = id_extents_add(out, (struct id_extent){inside, own_id, 1}, error);

	for (size_t i = 0; i < ranges->count && result == 0; i++) {
		struct id_range rest = ranges->items[i];

		/* A range that would cover the kept id is cut in two. */
		while (rest.count && result == 0) {
			uint32_t count = next < inside && rest.count > inside - next ? inside - next : rest.count;

			result = id_extents_add(out, (struct id_extent){next, rest.first, count}, error);
			rest.first += count;
			rest.count -= count;
			next += count;
			next += next == inside;
		}
	}
	if (result == 0 && !id_extents_lookup(out, 0, NULL)) {
		error_set(error, 0, "keep id %u", inside);
		return error_cause(error, SANDBOX_E_SUBID_MISSING, "no subordinate id is left for root");
	}
	return result;
}

static int decide_keep_id(const struct userns_request *request, const struct host *host, struct idmap *out,
	struct sandbox_error *error)
{
	uint32_t uid = request->has_uid ? request->uid : host->user.uid;
	uint32_t gid = request->has_gid ? request->gid : host->user.gid;
	int result;

	*out = (struct idmap){.keeps_id = true, .kept_uid = uid, .kept_gid = gid};
	result = keep_id(&out->users, uid, host->user.uid, &host->subuids, error);
	return result < 0 ? result : keep_id(&out->groups, gid, host->user.gid, &host->subgids, error);
}

/* As much of the beginning of `wanted` as one extent of the default map has; its count is 0 for none. */
static struct id_extent first_piece(const struct id_extent *wanted, const struct id_extents *base)
{
	struct id_extent piece = {wanted->inside, 0, 0};

	for (size_t i = 0; i < base->count && !piece.count; i++) {
		const struct id_extent *extent = &base->items[i];
		uint32_t skip = wanted->outside - extent->inside;

		if (wanted->outside < extent->inside || skip >= extent->count)
			continue;
		piece.outside = extent->outside + skip;
		piece.count = wanted->count < extent->count - skip ? wanted->count : extent->count - skip;
	}
	return piece;
}

static int translate_extent(struct id_extent rest, const struct id_extents *base, struct id_extents *out,
	struct sandbox_error *error)
{
	while (rest.count) {
		struct id_extent piece = first_piece(&rest, base);
		int result;

		if (!piece.count) {
			error_set(error, 0, "map id %u of yours", rest.outside);
			error_cause(error, SANDBOX_E_ID_UNMAPPED, "you have not so many subordinate ids");
			return error_fix(error, "choose smaller numbers: 0 is you, 1 and up are subordinate");
		}
		result = id_extents_add(out, piece, error);
		if (result < 0)
			return result;
		rest.inside += piece.count;
		rest.outside += piece.count;
		rest.count -= piece.count;
	}
	return 0;
}

/* Intermediate ids are places in the default map, which may have a range of them in pieces. */
static int translate(const struct id_extents *wanted, const struct id_extents *base, struct id_extents *out,
	struct sandbox_error *error)
{
	int result = 0;

	for (size_t i = 0; i < wanted->count && result == 0; i++)
		result = translate_extent(wanted->items[i], base, out, error);
	return result;
}

/* Root sets the sandbox up, and must be able to deal with the caller's own files: the store, what he lends. */
static int check_custom(const struct id_extents *extents, uint32_t own_id, struct sandbox_error *error)
{
	if (!id_extents_lookup(extents, 0, NULL)) {
		error_set(error, 0, "map id 0");
		error_cause(error, SANDBOX_E_ID_UNMAPPED, "a sandbox is set up by its root, which the map does not have");
		return error_fix(error, "add a range that begins at 0 inside");
	}
	if (!id_extents_find(extents, own_id, NULL)) {
		error_set(error, 0, "map your own id %u", own_id);
		error_cause(error, SANDBOX_E_ID_UNMAPPED, "the map has no place for it, and the store is yours");
		return error_fix(error, "add a range with ID 0, which is you: for example 60000:0:1");
	}
	return 0;
}

static int decide_custom(const struct userns_request *request, const struct host *host, struct idmap *out,
	struct sandbox_error *error)
{
	struct idmap base;
	int result = idmap_ranges(&base, host->user.uid, host->user.gid, &host->subuids, &host->subgids, error);

	*out = (struct idmap){.single = false};
	if (result == 0)
		result = translate(&request->users, &base.users, &out->users, error);
	if (result == 0)
		result = translate(&request->groups, &base.groups, &out->groups, error);
	if (result == 0)
		result = check_custom(&out->users, host->user.uid, error);
	return result < 0 ? result : check_custom(&out->groups, host->user.gid, error);
}

/* With subordinate ids at hand. */
static int decide_with_ranges(const struct userns_request *request, const struct host *host, struct idmap *out,
	struct sandbox_error *error)
{
	switch (request->mode) {
	case USERNS_KEEP_ID:
		return decide_keep_id(request, host, out, error);
	case USERNS_CUSTOM:
		return decide_custom(request, host, out, error);
	default:
		return idmap_ranges(out, host->user.uid, host->user.gid, &host->subuids, &host->subgids, error);
	}
}

int plan_decide_idmap(const struct userns_request *request, const struct host *host, struct idmap *out,
	struct sandbox_error *error)
{
	struct sandbox_error reason = {0};

	if (host->user.uid == 0 && !host->nested_root)
		return decide_for_root(request, host, out, error);
	if (request->mode != USERNS_SINGLE) {
		if (check_ranges(host, &reason) == 0)
			return decide_with_ranges(request, host, out, error);
		if (request->mode != USERNS_DEFAULT) {
			if (error)
				*error = reason;
			return -reason.code;
		}
		log_notice("only one id inside (%s): %s; apt, dpkg and su cannot change users there; fix: %s",
			sandbox_error_name(reason.id), reason.cause, reason.fix);
	}
	idmap_single(out, host->user.uid, host->user.gid);
	return 0;
}
