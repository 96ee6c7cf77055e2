/* User namespaces and the ids in them. */
#include "doctor/check.h"

#include <stdio.h>

#include "base/scope.h"
#include "runtime/plan.h"
#include "userns/userns.h"

static int nothing(void *argument, struct sandbox_error *error)
{
	(void)argument;
	(void)error;
	return 0;
}

int check_user_namespace(const struct examination *examination, struct check_report *report)
{
	struct idmap map;

	(void)examination;
	/* The host's root is never mapped; any id will do, and he needs nobody's help to write it. */
	idmap_single(&map, geteuid() ? geteuid() : SUBID_SUGGESTED_FIRST, geteuid() ? getegid() : SUBID_SUGGESTED_FIRST);
	return userns_run(&map, nothing, NULL, &report->error);
}

static uint64_t count_ids(const struct id_ranges *ranges)
{
	uint64_t sum = 0;

	for (size_t i = 0; i < ranges->count; i++)
		sum += ranges->items[i].count;
	return sum;
}

/* Whose range it is as well: then the other one's sandboxes can do as they like with files of these. */
static int check_others(const struct host *host, enum subid_kind kind, struct check_report *report)
{
	const struct id_ranges *own = kind == SUBID_USERS ? &host->subuids : &host->subgids;
	struct id_range shared;
	int result = subid_find_shared(kind, host->user.name, host->user.uid, own, &shared, &report->error);

	if (result <= 0)
		return result;
	report->health = SANDBOX_HEALTH_DEGRADED;
	return subid_explain_shared(kind, host->user.name, &shared, &report->error);
}

/* All ids that files of an image may have, as Debian's policy and systemd divide them: nobody is 65534. */
static int check_enough(const struct host *host, struct check_report *report)
{
	uint64_t users = count_ids(&host->subuids), groups = count_ids(&host->subgids);

	(void)snprintf(report->found, sizeof(report->found), "%llu user ids, %llu group ids", (unsigned long long)users,
		(unsigned long long)groups);
	if (users >= SUBID_ENOUGH && groups >= SUBID_ENOUGH)
		return 0;
	report->health = SANDBOX_HEALTH_DEGRADED;
	return subid_explain_few(host->user.name, &report->error);
}

int check_subordinate_ids(const struct examination *examination, struct check_report *report)
{
	auto_finish(host_finish) struct host host = {0};
	int result = host_probe(true, &host, &report->error);

	(void)examination;
	if (result < 0)
		return result;
	if (host.user.uid == 0 && !host.nested_root) {
		(void)snprintf(report->found, sizeof(report->found), "root takes ids that nobody has");
		return 0;
	}
	if (!host.nested_root && (!host.subuids.count || !host.subgids.count))
		return subid_explain_missing(host.subuids.count ? SUBID_GROUPS : SUBID_USERS, host.user.name, &report->error);
	result = check_enough(&host, report);
	if (result == 0 && !host.nested_root)
		result = check_others(&host, SUBID_USERS, report);
	return result < 0 || host.nested_root ? result : check_others(&host, SUBID_GROUPS, report);
}

/* The helpers write it, and it is read back and compared. */
int check_id_map(const struct examination *examination, struct check_report *report)
{
	static const struct userns_request request = {.mode = USERNS_MAP};
	auto_finish(host_finish) struct host host = {0};
	char users[ID_MAP_EXTENTS_MAX * 36];
	struct idmap map;
	int result = host_probe(true, &host, &report->error);

	(void)examination;
	if (result == 0)
		result = plan_decide_idmap(&request, &host, &map, &report->error);
	if (result == 0)
		result = userns_run(&map, nothing, NULL, &report->error);
	if (result < 0)
		return result;
	(void)snprintf(report->found, sizeof(report->found), "%.150s",
		id_extents_format(&map.users, users, sizeof(users)));
	return 0;
}
