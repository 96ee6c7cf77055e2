/* Deciding the id map: whose ids the sandbox uses. */
#include <errno.h>

#include "base/log.h"
#include "runtime/plan.h"

enum {
	ROOT_RANGE_SIZE = 65536,
	/* Where systemd, too, takes the ids of containers from (its UIDS-GIDS document): 0x80000 to 0x6fffffff. */
	ROOT_RANGE_FIRST = 0x80000,
	ROOT_RANGE_LAST = 0x6fffffff,
};

static int missing_subids(const struct host *host, struct sandbox_error *error)
{
	const char *file = host->subuids.count ? "/etc/subgid" : "/etc/subuid";

	error_set(error, ENOENT, "map ids");
	if (host->nested_root) {
		error_cause(error, SANDBOX_E_SUBID_MISSING, "the user namespace around this process has no id but its root's");
		return error_fix(error, "give it more ids, as podman does by default");
	}
	error_cause(error, SANDBOX_E_SUBID_MISSING, "%s has no range for %s", file, host->user.name);
	return error_fix(error, "sudo usermod --add-subuids 100000-165535 --add-subgids 100000-165535 %s",
		host->user.name);
}

/* Why this user cannot have a range of ids here: 0, or -errno with the reason. */
static int check_ranges(const struct host *host, struct sandbox_error *error)
{
	if (!host->subuids.count || !host->subgids.count)
		return missing_subids(host, error);
	if (host->nested_root)
		return 0;
	if (!host->newidmap_installed) {
		error_set(error, ENOENT, "map ids: newuidmap, newgidmap");
		error_cause(error, SANDBOX_E_NEWIDMAP_MISSING, "the programs that map subordinate ids are not installed");
		return error_fix(error, "install the package uidmap (Debian, Ubuntu) or shadow-utils (Fedora)");
	}
	if (host->no_new_privs) {
		error_set(error, EPERM, "map ids: newuidmap");
		error_cause(error, SANDBOX_E_NNP, "no_new_privs is set on this process, so that no set-user-ID program works");
		return error_fix(error, "start it without NoNewPrivileges= or setpriv --no-new-privs, or use --userns=single");
	}
	return 0;
}

/*
 * The host's root must not become root of a sandbox: he is given the first block of ids that
 * nobody in /etc/subuid and /etc/subgid has.
 */
static int decide_for_root(bool single, const struct host *host, struct idmap *out, struct sandbox_error *error)
{
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
		if (single) {
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

int plan_decide_idmap(int userns, const struct host *host, struct idmap *out, struct sandbox_error *error)
{
	struct sandbox_error reason = {0};

	if (host->user.uid == 0 && !host->nested_root)
		return decide_for_root(userns == SANDBOX_USERNS_SINGLE, host, out, error);
	if (userns != SANDBOX_USERNS_SINGLE) {
		if (check_ranges(host, &reason) == 0)
			return idmap_ranges(out, host->user.uid, host->user.gid, &host->subuids, &host->subgids, error);
		if (userns == SANDBOX_USERNS_MAP) {
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
