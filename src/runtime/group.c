#include "runtime/group.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/random.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/file.h"
#include "base/log.h"
#include "base/memory.h"
#include "base/scope.h"
#include "base/test_switch.h"

const char group_file[] = "group";

enum { RECORD_MAX = 8192 };

static int draw_name(char **out, struct sandbox_error *error)
{
	uint64_t number;

	if (getrandom(&number, sizeof(number), 0) != sizeof(number))
		return error_set(error, errno, "draw a random number");
	*out = memory_format("sandbox-%016llx", (unsigned long long)number);
	return 0;
}

/* Dividing a parent is for one process at a time. */
static int lock_parents(const struct group_lease *lease)
{
	return flock(lease->record.names, LOCK_EX);
}

static void unlock_parents(const struct group_lease *lease)
{
	(void)flock(lease->record.names, LOCK_UN);
}

static int make_recorded(struct group_lease *lease, const char *runtime, const struct cgroup_plan *plan,
	const char *parent, const char *name, struct sandbox_error *error)
{
	auto_free char *path = memory_format("%s/%s", parent, name);
	int result = name_take(&lease->record, runtime, name_kind_group, name, error);

	if (result < 0)
		return result;
	result = fd_write_all(lease->record.lock, path, strlen(path));
	if (result < 0)
		return error_set(error, -result, "write down the group %s", path);
	test_point("group.recorded");
	if (lock_parents(lease) < 0)
		return error_set(error, errno, "lock the groups");
	result = cgroup_group_make(plan, parent, name, &lease->cgroup, error);
	unlock_parents(lease);
	test_point("group.made");
	return result;
}

int group_take(struct group_lease *lease, const char *runtime, const struct cgroup_plan *plan, struct sandbox_error *error)
{
	auto_free char *name = NULL, *parent = memory_text(plan->parent);
	int result;

	if (!plan->manager)
		return 0;
	result = draw_name(&name, error);
	if (result == 0)
		result = plan->manager->enter(plan, name, &parent, error);
	return result < 0 ? result : make_recorded(lease, runtime, plan, parent, name, error);
}

int group_show(const struct group_lease *lease, int entry, struct sandbox_error *error)
{
	const char *path = lease->cgroup.path;

	return path && entry >= 0 ? file_replace(entry, group_file, path, strlen(path), 0600, error) : 0;
}

bool group_is_paused(int entry)
{
	auto_free char *path = NULL, *file = NULL, *events = NULL;

	if (file_read(entry, group_file, RECORD_MAX, &path, NULL, NULL) < 0)
		return false;
	file = memory_format("%s/cgroup.events", path);
	return file_read(AT_FDCWD, file, RECORD_MAX, &events, NULL, NULL) == 0 && strstr(events, "frozen 1");
}

void group_unpause(int entry)
{
	auto_free char *path = NULL, *kill_file = NULL;

	if (file_read(entry, group_file, RECORD_MAX, &path, NULL, NULL) < 0)
		return;
	kill_file = memory_format("%s/cgroup.kill", path);
	if (access(kill_file, F_OK) < 0)
		(void)cgroup_group_freeze(path, false, NULL);
}

void group_release(struct group_lease *lease)
{
	struct sandbox_error problem = {0};
	int result = 0;

	if (lease->cgroup.path) {
		cgroup_group_end(lease->cgroup.path);
		(void)lock_parents(lease);
		result = cgroup_group_remove(lease->cgroup.path, &problem);
		unlock_parents(lease);
	}
	/* What is still written down is swept by a later command. */
	if (result < 0) {
		log_debug("%s", problem.text);
		free(take_ptr(lease->record.name));
	}
	cgroup_group_finish(&lease->cgroup);
	name_release(&lease->record);
}

/* An empty record is of a tool that was killed before it made anything. */
static bool remove_dead(int lock)
{
	auto_free char *path = NULL;
	struct sandbox_error problem = {0};

	if (file_read_fd(lock, "a record", RECORD_MAX, &path, NULL, &problem) < 0 || (*path && *path != '/'))
		return false;
	if (!*path)
		return true;
	log_debug("remove the group %s of a sandbox that was killed", path);
	cgroup_group_end(path);
	if (cgroup_group_remove(path, &problem) == 0)
		return true;
	log_debug("%s", problem.text);
	return false;
}

void groups_sweep(const char *runtime)
{
	names_sweep(runtime, name_kind_group, remove_dead);
}
