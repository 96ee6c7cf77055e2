#include "cgroup/group.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/directory.h"
#include "base/file.h"
#include "base/log.h"
#include "base/memory.h"
#include "base/scope.h"
#include "base/test_switch.h"
#include "base/text.h"
#include "cgroup/processes.h"

static const char leaf_name[] = "sandbox-callers", payload_name[] = "payload", group_prefix[] = "sandbox-";

enum {
	CONTROL_FILE_MAX = 64 << 10,
	CPUS_MAX = 8192,
	ENABLE_ATTEMPTS = 8,
	END_WAIT_MS = 2000,
	FREEZE_WAIT_MS = 10000,
	DEPTH_MAX = 32,         /* of groups that a payload makes in its own: we must be able to remove them */
	DESCENDANTS_MAX = 1024,
};

/* ---- making ---- */

/* "+cpu +memory" */
static char *format_change(char sign, unsigned int set)
{
	char *text = NULL;

	for (unsigned int i = 0; i < CGROUP_CONTROLLER_COUNT; i++)
		if (set & 1U << i)
			memory_append(&text, "%s%c%s", text ? " " : "", sign, cgroup_controller_name(i));
	return text;
}

static int explain_enable(const char *path, struct sandbox_error *error)
{
	error_wrap(error, "enable controllers in %s", path);
	error_cause(error, SANDBOX_E_CGROUP_CONTROLLER, "the kernel refuses: the group's parent does not pass them on, or a "
		"process that is not ours is in the group");
	return error_fix(error, "have a group delegated in which there are only processes of yours");
}

/*
 * A group passes controllers on only while no process is in itself: those that are go into a leaf. That must come
 * first: cpu and pids alone could be enabled all the same, but as controllers of threads, and children such as ours
 * would be invalid (cgroups(7), "domain threaded"). Only the root of all groups, which has no events, is free of this.
 */
static int vacate(int parent, const char *path, struct sandbox_error *error)
{
	if (faccessat(parent, "cgroup.events", F_OK, 0) < 0 || !cgroup_has_processes(parent))
		return 0;
	if (mkdirat(parent, leaf_name, 0755) < 0 && errno != EEXIST)
		return error_set(error, errno, "make %s/%s", path, leaf_name);
	log_debug("move the processes of %s into %s", path, leaf_name);
	return cgroup_move_processes(parent, ".", leaf_name, error);
}

/* EBUSY: somebody forked in there meanwhile. */
static int enable_controllers(int parent, const char *path, unsigned int wanted, struct sandbox_error *error)
{
	unsigned int missing = wanted & ~cgroup_read_controllers(path, "cgroup.subtree_control");
	auto_free char *change = missing ? format_change('+', missing) : NULL;
	int result = missing ? -EBUSY : 0;

	for (int attempt = 0; result == -EBUSY && attempt < ENABLE_ATTEMPTS; attempt++) {
		result = vacate(parent, path, error);
		if (result == 0)
			result = file_write_existing(parent, "cgroup.subtree_control", change, error);
	}
	return result < 0 && (!error || error->id == SANDBOX_E_NONE) ? explain_enable(path, error) : result;
}

static int make_directory(int parent, const char *name, int *out, struct sandbox_error *error)
{
	if (mkdirat(parent, name, 0755) < 0)
		return error_set(error, errno, "make the group %s", name);
	*out = file_open_directory(parent, name, error);
	return *out < 0 ? *out : 0;
}

static int explain_limit(const struct cgroup_limit *limit, int result, struct sandbox_error *error)
{
	error_wrap(error, "hold --%s", limit->option);
	error_cause(error, SANDBOX_E_LIMIT_UNAVAILABLE, result == -ENOENT ? "this kernel cannot limit that"
		: "the kernel refuses this value");
	return error_fix(error, "%s", result == -ENODEV ? "name the disk itself (see lsblk(8)), or leave the limit out"
		: "choose another value, or leave the limit out");
}

/* The kernel takes processors that do not exist, or that are withheld, and then uses others. */
static int check_list(int group, const struct cgroup_limit *limit, struct sandbox_error *error)
{
	auto_free char *file = memory_format("%s.effective", limit->file), *text = NULL;
	bool wanted[CPUS_MAX], effective[CPUS_MAX];
	int result = file_read(group, file, CONTROL_FILE_MAX, &text, NULL, error);

	if (result < 0)
		return result;
	text[strcspn(text, "\n")] = '\0';
	if (cgroup_list_parse(limit->value, CPUS_MAX, wanted) && cgroup_list_parse(text, CPUS_MAX, effective) &&
	    memcmp(wanted, effective, sizeof(wanted)) == 0)
		return 0;
	error_set(error, 0, "--%s %s", limit->option, limit->value);
	error_cause(error, SANDBOX_E_LIMIT_UNAVAILABLE, "of these only \"%s\" can be had here", text);
	return error_fix(error, "choose among those that the group above may use (its %s)", file);
}

static bool machine_has_swap(void)
{
	auto_free char *text = NULL;
	const char *total;

	if (file_read(AT_FDCWD, "/proc/meminfo", CONTROL_FILE_MAX, &text, NULL, NULL) < 0)
		return true;
	total = strstr(text, "SwapTotal:");
	return total && strtoull(total + strlen("SwapTotal:"), NULL, 10) > 0;
}

/*
 * A kernel that does not count swap has no file to limit it by. That is no loss while there is no swap, or when all of it
 * may be used; else what is beyond --memory would go there without end.
 */
static int forgo_file(const struct cgroup_limit *limit, struct sandbox_error *error)
{
	if (strcmp(limit->value, "max") != 0 && !(limit->implied && !machine_has_swap())) {
		error_set(error, ENOENT, "hold --%s: %s", limit->option, limit->file);
		error_cause(error, SANDBOX_E_LIMIT_UNAVAILABLE,
			"this machine has swap, and its kernel does not count who uses it");
		return error_fix(error, "boot a kernel that does, without swapaccount=0, or let the sandbox use all swap: "
			"--memory-swap -1");
	}
	error_clear(error);
	return 0;
}

static int write_limit(int group, const struct cgroup_limit *limit, struct sandbox_error *error)
{
	bool is_swap = strcmp(limit->file, "memory.swap.max") == 0;
	int result = is_swap && test_defence_removed("swap-accounting") ? -ENOENT
		: file_write_existing(group, limit->file, limit->value, error);

	if (result == -ENOENT && is_swap)
		return forgo_file(limit, error);
	return result < 0 ? explain_limit(limit, result, error) : 0;
}

static int hold_limit(const struct cgroup_group *group, const struct cgroup_limit *limit, struct sandbox_error *error)
{
	int result = write_limit(group->group, limit, error);

	if (result < 0)
		return result;
	/* For those who look there; what binds is the one above. */
	(void)file_write_existing(group->payload, limit->file, limit->value, NULL);
	return limit->controller == CGROUP_CPUSET ? check_list(group->group, limit, error) : 0;
}

static int hold_limits(const struct cgroup_group *group, const struct cgroup_plan *plan, struct sandbox_error *error)
{
	char number[16];
	int result = 0;

	for (size_t i = 0; i < plan->limits.count && result == 0; i++)
		if (plan->limits.items[i].hold == CGROUP_HOLD_HARD)
			result = hold_limit(group, &plan->limits.items[i], error);
	if (result < 0)
		return result;
	/* A sandbox that lost some of its processes is no longer what was started: all or none. */
	if (plan->controllers & 1U << CGROUP_MEMORY) {
		(void)file_write_existing(group->group, "memory.oom.group", "1", NULL);
		(void)file_write_existing(group->payload, "memory.oom.group", "1", NULL);
	}
	(void)snprintf(number, sizeof(number), "%d", DEPTH_MAX);
	result = file_write_existing(group->group, "cgroup.max.depth", number, error);
	(void)snprintf(number, sizeof(number), "%d", DESCENDANTS_MAX);
	return result < 0 ? result : file_write_existing(group->group, "cgroup.max.descendants", number, error);
}

int cgroup_group_make(const struct cgroup_plan *plan, const char *parent, const char *name, struct cgroup_group *out,
	struct sandbox_error *error)
{
	auto_close int directory = file_open_directory(AT_FDCWD, parent, error);
	int result = directory < 0 ? directory : 0;

	if (result < 0)
		return result;
	out->path = memory_format("%s/%s", parent, name);
	/* Before the controllers: who removes another group meanwhile sees that the parent is still in use. */
	result = make_directory(directory, name, &out->group, error);
	test_point("cgroup.group-made");
	if (result == 0)
		result = enable_controllers(directory, parent, plan->controllers, error);
	test_point("cgroup.enabled");
	if (result == 0 && !test_defence_removed("cgroup-child"))
		result = enable_controllers(out->group, out->path, plan->controllers, error);
	if (result == 0 && test_defence_removed("cgroup-child"))
		out->payload = file_open_directory(out->group, ".", error);
	else if (result == 0)
		result = make_directory(out->group, payload_name, &out->payload, error);
	return result < 0 ? result : hold_limits(out, plan, error);
}

/* ---- changing ---- */

static bool has_event(int group, const char *event)
{
	auto_free char *events = NULL;

	return file_read(group, "cgroup.events", CONTROL_FILE_MAX, &events, NULL, NULL) == 0 && strstr(events, event);
}

/* Until an event has come to pass, for `milliseconds` at most. */
static bool await_event(int group, const char *event, int milliseconds)
{
	auto_close int watched = openat(group, "cgroup.events", O_RDONLY | O_CLOEXEC);
	struct pollfd events = {.fd = watched, .events = POLLPRI};

	for (int waited = 0; !has_event(group, event) && waited < milliseconds; waited += 100)
		(void)poll(&events, 1, 100);
	return has_event(group, event);
}

int cgroup_group_freeze(const char *path, bool on, struct sandbox_error *error)
{
	auto_close int group = file_open_directory(AT_FDCWD, path, error);
	int result = group < 0 ? group : file_write_existing(group, "cgroup.freeze", on ? "1" : "0", error);

	if (result < 0)
		return result;
	if (await_event(group, on ? "frozen 1" : "frozen 0", FREEZE_WAIT_MS))
		return 0;
	/* Who is told that it could not be paused does not look for one that stands still later. */
	if (on)
		(void)file_write_existing(group, "cgroup.freeze", "0", NULL);
	return error_set(error, ETIMEDOUT, "%s the sandbox", on ? "pause" : "unpause");
}

static bool is_weight(const struct cgroup_limit *limit)
{
	return strcmp(limit->file, "cpu.weight") == 0 || strcmp(limit->file, "io.weight") == 0 ||
		strcmp(limit->file, "io.bfq.weight") == 0;
}

/* A list that turns out to be too long has been taken by then, and all that is above would be allowed: back to what it was. */
static int change_limit(const struct cgroup_group *group, const struct cgroup_limit *limit, struct sandbox_error *error)
{
	auto_free char *before = NULL;
	int result;

	if (limit->controller == CGROUP_CPUSET)
		(void)file_read(group->group, limit->file, CONTROL_FILE_MAX, &before, NULL, NULL);
	result = hold_limit(group, limit, error);
	if (result < 0 && before) {
		(void)file_write_existing(group->group, limit->file, before, NULL);
		(void)file_write_existing(group->payload, limit->file, before, NULL);
	}
	return result;
}

/* `scope` is -1 where the group has none of its own. */
static int change_limits(const struct cgroup_group *group, int scope, const struct cgroup_limits *limits,
	struct sandbox_error *error)
{
	int result = 0;

	for (size_t i = 0; i < limits->count && result == 0; i++) {
		const struct cgroup_limit *limit = &limits->items[i];

		/* A default of `run`; here it would undo what was asked for then. */
		if (limit->implied)
			continue;
		result = change_limit(group, limit, error);
		if (result == 0 && scope >= 0 && is_weight(limit))
			result = file_write_existing(scope, limit->file, limit->value, error);
	}
	return result;
}

static bool is_gone(int group)
{
	return faccessat(group, "cgroup.procs", F_OK, 0) < 0 && errno == ENOENT;
}

/* A controller that the group did not need until now is enabled, if its parent has it. */
int cgroup_group_update(const char *path, const struct cgroup_limits *limits, struct sandbox_error *error)
{
	auto_finish(cgroup_group_finish) struct cgroup_group group = CGROUP_GROUP_INIT;
	auto_free char *parent_path = memory_text(path);
	unsigned int controllers = cgroup_limits_controllers(limits);
	auto_close int parent = -1;
	bool is_scope;
	int result = 0;

	*strrchr(parent_path, '/') = '\0';
	/* A scope that was made for this sandbox: it is what competes with others. */
	is_scope = text_starts_with(strrchr(parent_path, '/') + 1, group_prefix);
	parent = file_open_directory(AT_FDCWD, parent_path, error);
	if (parent < 0)
		return parent;
	group.group = file_open_directory(AT_FDCWD, path, error);
	group.payload = group.group < 0 ? -1 : file_open_directory(group.group, payload_name, error);
	if (group.payload < 0)
		return -ENOENT;
	result = enable_controllers(parent, parent_path, controllers, error);
	if (result == 0)
		result = enable_controllers(group.group, path, controllers, error);
	if (result == 0)
		result = change_limits(&group, is_scope ? parent : -1, limits, error);
	/* One of them may have ended the sandbox, and with it went all that was left to limit. */
	if (result < 0 && is_gone(group.group)) {
		error_clear(error);
		return 0;
	}
	return result;
}

/* ---- ending ---- */

int cgroup_group_kill(int group)
{
	return file_write_existing(group, "cgroup.kill", "1", NULL);
}

void cgroup_group_end(const char *path)
{
	auto_close int group = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	if (group < 0 || !has_event(group, "populated 1"))
		return;
	(void)cgroup_group_kill(group);
	(void)await_event(group, "populated 0", END_WAIT_MS);
}

/* rmdir(2) is all that there is, and files go along. */
int cgroup_tree_remove(int parent, const char *name, struct sandbox_error *error)
{
	auto_closedir DIR *stream = directory_read(openat(parent, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC));
	struct dirent *entry;

	if (!stream)
		return errno == ENOENT ? 0 : error_set(error, errno, "open the group %s", name);
	/* A payload that may mount cgroup2 calls its own as it likes, .hidden too. */
	while ((entry = readdir(stream)))
		if (entry->d_type == DT_DIR && strcmp(entry->d_name, ".") != 0 && strcmp(entry->d_name, "..") != 0)
			(void)cgroup_tree_remove(dirfd(stream), entry->d_name, NULL);
	if (unlinkat(parent, name, AT_REMOVEDIR) < 0 && errno != ENOENT)
		return error_set(error, errno, "remove the group %s", name);
	return 0;
}

/* A group of a sandbox, not the leaf. Where nobody can look there may be one. */
static bool has_sandboxes(int parent)
{
	auto_closedir DIR *stream = directory_read(openat(parent, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC));
	struct dirent *entry;

	if (!stream)
		return true;
	while ((entry = readdir(stream)))
		if (text_starts_with(entry->d_name, group_prefix) && strcmp(entry->d_name, leaf_name) != 0)
			return true;
	return false;
}

/*
 * There is a leaf only where processes were in the parent itself, which therefore passed no controllers on: as it was
 * before, others can be put into it again.
 */
static void restore_parent(int parent, const char *path)
{
	unsigned int enabled = cgroup_read_controllers(path, "cgroup.subtree_control");
	auto_free char *change = enabled ? format_change('-', enabled) : NULL;
	struct sandbox_error problem = {0};

	if (faccessat(parent, leaf_name, F_OK, 0) < 0 || has_sandboxes(parent))
		return;
	if ((change && file_write_existing(parent, "cgroup.subtree_control", change, &problem) < 0) ||
	    cgroup_move_processes(parent, leaf_name, ".", &problem) < 0 || cgroup_tree_remove(parent, leaf_name, &problem) < 0)
		log_debug("%s stays: %s", leaf_name, problem.text);
}

int cgroup_group_remove(const char *path, struct sandbox_error *error)
{
	auto_free char *parent_path = memory_text(path);
	char *name = strrchr(parent_path, '/');
	auto_close int parent = -1;
	int result;

	*name++ = '\0';
	parent = open(parent_path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	/* The scope of a manager has gone with its last process. */
	if (parent < 0)
		return errno == ENOENT ? 0 : error_set(error, errno, "open the group %s", parent_path);
	result = cgroup_tree_remove(parent, name, error);
	if (result == 0)
		restore_parent(parent, parent_path);
	return result;
}

void cgroup_group_finish(struct cgroup_group *group)
{
	if (group->group >= 0)
		(void)close(take_fd(&group->group));
	if (group->payload >= 0)
		(void)close(take_fd(&group->payload));
	free(take_ptr(group->path));
}
