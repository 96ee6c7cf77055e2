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

static int write_down(const struct group_lease *lease, const char *text, struct sandbox_error *error)
{
	int result = fd_write_all(lease->record.lock, text, strlen(text));

	return result < 0 ? error_set(error, -result, "write down the group %s", text) : 0;
}

/* A parent that is made for this sandbox is written down before: "MANAGER NAME". */
static int enter_parent(struct group_lease *lease, const struct cgroup_plan *plan, const char *name, char **parent,
	struct sandbox_error *error)
{
	const struct cgroup_manager *manager = plan->manager;
	auto_free char *line = memory_format("%s %s\n", manager->name, name);
	int result = manager->abandon ? write_down(lease, line, error) : 0;

	if (result < 0)
		return result;
	test_point("group.named");
	result = manager->enter(plan, name, lease->record.lock, parent, error);
	/* A manager that has not answered may make it yet, or has made it and we are in it: a later command looks again. */
	if (result < 0 && manager->abandon && manager->abandon(name, NULL) < 0)
		free(take_ptr(lease->record.name));
	return result;
}

static int make_recorded(struct group_lease *lease, const struct cgroup_plan *plan, const char *parent, const char *name,
	struct sandbox_error *error)
{
	auto_free char *path = memory_format("%s/%s", parent, name);
	int result = write_down(lease, path, error);

	if (result < 0)
		return result;
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
		result = name_take(&lease->record, runtime, name_kind_group, name, error);
	if (result == 0)
		result = enter_parent(lease, plan, name, &parent, error);
	return result < 0 ? result : make_recorded(lease, plan, parent, name, error);
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

static int remove_group(const char *path, struct sandbox_error *error)
{
	log_debug("remove the group %s of a sandbox that was killed", path);
	cgroup_group_end(path);
	return cgroup_group_remove(path, error);
}

/* "MANAGER NAME": what was made, or about to be made, to hold that group. */
static int remove_parent(char *line, struct sandbox_error *error)
{
	char *word = strsep(&line, " ");
	const struct cgroup_manager *manager = cgroup_manager_find(word);

	if (!manager || !manager->abandon || !line || strchr(line, '/'))
		return error_set(error, EINVAL, "a record of groups begins with \"%s\"", word);
	return test_defence_removed("group-parents") ? -ENOTSUP : manager->abandon(line, error);
}

/* What the tool that was killed had not yet written down it had not begun to make. */
static bool remove_dead(int lock)
{
	auto_free char *text = NULL;
	struct sandbox_error problem = {0};
	int result = file_read_fd(lock, "a record", RECORD_MAX, &text, NULL, &problem);
	char *path = text, *parent = result == 0 && *text && *text != '/' ? strsep(&path, "\n") : NULL;

	if (result == 0 && path && *path)
		result = remove_group(path, &problem);
	if (result == 0 && parent)
		result = remove_parent(parent, &problem);
	if (result < 0)
		log_debug("%s", problem.text);
	return result == 0;
}

void groups_sweep(const char *runtime)
{
	names_sweep(runtime, name_kind_group, remove_dead);
}
