/*
 * A transient scope with Delegate=yes, made by the caller's user manager (by systemd itself for root): systemd.scope(5),
 * org.freedesktop.systemd1(5). We are moved into it, and everything then is as in any delegated group. A helper
 * program speaks D-Bus, because this one is static and does not load libsystemd.
 */
#include "cgroup/cgroup.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/directory.h"
#include "base/log.h"
#include "base/memory.h"
#include "base/program.h"
#include "base/scope.h"
#include "base/spawn.h"
#include "base/strings.h"
#include "base/test_switch.h"
#include "cgroup/group.h"

static const char *const helper_paths[] = {"sandbox-scope", "../libexec/sandbox/sandbox-scope", NULL};

/* systemctl(1) uses this one: it is there whenever the manager is, with or without a message bus. */
static char *manager_socket(void)
{
	return geteuid() == 0 ? memory_text("/run/systemd/private")
		: memory_format("/run/user/%u/systemd/private", (unsigned int)geteuid());
}

/* Where the manager will put scopes, more or less. */
static char *manager_group(const struct cgroup_hierarchy *hierarchy)
{
	unsigned int uid = (unsigned int)geteuid();

	return uid == 0 ? memory_text(hierarchy->mount)
		: memory_format("%s/user.slice/user-%u.slice/user@%u.service", hierarchy->mount, uid, uid);
}

static int probe_systemd(const struct cgroup_hierarchy *hierarchy, const char *wanted, struct cgroup_offer *out,
	struct sandbox_error *error)
{
	auto_free char *socket = manager_socket(), *helper = program_find_file(helper_paths);

	if (!hierarchy->mount || !hierarchy->controllers)
		return error_set(error, 0, "cgroup v2 has no controllers here");
	if (wanted && strchr(wanted, '/'))
		return error_set(error, 0, "--cgroup-parent is no slice");
	if (access(socket, W_OK) < 0)
		return error_set(error, 0, "no user manager at %s", socket);
	if (!helper)
		return error_set(error, 0, "sandbox-scope is not installed");
	out->parent = manager_group(hierarchy);
	if (access(out->parent, F_OK) < 0)
		return error_set(error, 0, "no group %s", out->parent);
	out->controllers = cgroup_read_controllers(out->parent, "cgroup.controllers");
	out->why = memory_format("a scope of %s", geteuid() == 0 ? "systemd" : "the user manager");
	return 0;
}

/*
 * Weights divide what the scope and its neighbours compete for: they are the scope's own, and systemd's to set, which
 * would take back what somebody else writes there.
 */
static const struct {
	const char *file, *property;
} weights[] = {
	{"cpu.weight", "CPUWeight"},
	{"io.weight", "IOWeight"},
	{"io.bfq.weight", "IOWeight"},
};

static void add_weights(const struct cgroup_limits *limits, struct sandbox_strings *arguments)
{
	for (size_t i = 0; i < limits->count; i++)
		for (size_t j = 0; j < array_count(weights); j++)
			if (strcmp(limits->items[i].file, weights[j].file) == 0) {
				const char *value = limits->items[i].value;

				/* io.weight has "default N". */
				strings_take(arguments, memory_format("%s=%s", weights[j].property,
					value + strcspn(value, "0123456789")));
			}
}

/* `output`, of the helper, is one line: what was refused. NULL for success. */
static int ask_manager(const struct sandbox_strings *arguments, int life, char **output, struct sandbox_error *error)
{
	auto_finish(spawn_finish) struct spawn spawn = SPAWN_INIT;
	auto_free char *text = NULL;
	int status = 0, result;

	spawn.lent = life;
	result = spawn_start(&spawn, arguments->items, error);
	if (result == 0)
		result = spawn_wait(&spawn, &status, &text, error);
	if (result < 0 || (WIFEXITED(status) && WEXITSTATUS(status) == 0))
		return result;
	text[strcspn(text, "\n")] = '\0';
	*output = *text ? take_ptr(text) : memory_text("sandbox-scope was ended");
	return 0;
}

/* "sandbox-scope VERB SOCKET UNIT" */
static int begin_request(const char *verb, const char *socket, const char *unit, struct sandbox_strings *out,
	struct sandbox_error *error)
{
	auto_free char *helper = program_find_file(helper_paths);

	if (!helper)
		return error_set(error, ENOENT, "find sandbox-scope");
	sandbox_strings_add(out, helper);
	sandbox_strings_add(out, verb);
	sandbox_strings_add(out, socket);
	sandbox_strings_add(out, unit);
	return 0;
}

static int make_scope(const struct cgroup_plan *plan, const char *unit, int life, struct sandbox_error *error)
{
	auto_finish(sandbox_strings_finish) struct sandbox_strings arguments = {0};
	auto_free char *socket = manager_socket(), *refusal = NULL;
	int result = begin_request("start", socket, unit, &arguments, error);

	if (result < 0)
		return result;
	strings_take(&arguments, memory_format("%d", (int)getpid()));
	if (plan->wanted)
		strings_take(&arguments, memory_format("Slice=%s", plan->wanted));
	add_weights(&plan->limits, &arguments);
	result = ask_manager(&arguments, life, &refusal, error);
	if (result < 0 || !refusal)
		return result;
	error_set(error, 0, "make the scope %s: %s", unit, refusal);
	error_cause(error, SANDBOX_E_CGROUP_MISSING, "the manager at %s did not make it", socket);
	return error_fix(error, "see `systemctl --user status`, or use --cgroups none without limits");
}

static bool is_in_scope(const struct cgroup_hierarchy *hierarchy, const char *unit)
{
	const char *last = hierarchy->own ? strrchr(hierarchy->own, '/') : NULL;

	return last && strcmp(last + 1, unit) == 0;
}

static int enter_scope(const struct cgroup_plan *plan, const char *name, int life, char **parent,
	struct sandbox_error *error)
{
	auto_finish(cgroup_hierarchy_finish) struct cgroup_hierarchy hierarchy = {0};
	auto_free char *unit = memory_format("%s.scope", name);
	int result = make_scope(plan, unit, life, error);

	test_point("scope.made");
	if (result == 0)
		result = cgroup_hierarchy_find(&hierarchy, error);
	if (result < 0)
		return result;
	if (!is_in_scope(&hierarchy, unit))
		return error_set(error, EPROTO, "enter the scope %s", unit);
	log_debug("this is the scope %s", hierarchy.own);
	free(*parent);
	*parent = take_ptr(hierarchy.own);
	return 0;
}

static int remove_below(int above, const char *slice, const char *unit, struct sandbox_error *error)
{
	int directory = openat(above, slice, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	auto_closedir DIR *stream = directory_read(directory);
	struct dirent *entry;
	int result = 0;

	if (directory < 0)
		return 0;
	if (!stream)
		return error_set(error, errno, "look for the group %s", unit);
	while (result == 0 && (entry = readdir(stream))) {
		const char *type = strrchr(entry->d_name, '.');

		if (strcmp(entry->d_name, unit) == 0)
			return cgroup_tree_remove(dirfd(stream), unit, error);
		if (type && strcmp(type, ".slice") == 0)
			result = remove_below(dirfd(stream), entry->d_name, unit, error);
	}
	return result;
}

/*
 * Those who are dying are in no list of processes any more, but keep the group in use. A manager that stops a scope with none
 * but such in it takes it for empty, cannot remove the directory, and forgets it. -EBUSY: not yet.
 */
static int remove_forgotten(const struct cgroup_hierarchy *hierarchy, const char *unit, struct sandbox_error *error)
{
	auto_free char *top = manager_group(hierarchy);

	return remove_below(AT_FDCWD, top, unit, error);
}

/*
 * The manager ends a scope when its last process leaves it. One of which all that were to come in died on the way has none
 * that could leave, and would stay for as long as the manager.
 */
static int abandon_scope(const char *name, struct sandbox_error *error)
{
	auto_finish(cgroup_hierarchy_finish) struct cgroup_hierarchy hierarchy = {0};
	auto_finish(sandbox_strings_finish) struct sandbox_strings arguments = {0};
	auto_free char *socket = manager_socket(), *unit = memory_format("%s.scope", name), *refusal = NULL;
	int result;

	/* Its scopes have gone with it. */
	if (access(socket, W_OK) < 0)
		return 0;
	result = cgroup_hierarchy_find(&hierarchy, error);
	/* It is stopped by a signal to all that is in it; with nobody in it it ends by itself, also when we have gone. */
	if (result == 0 && is_in_scope(&hierarchy, unit))
		return error_set(error, EBUSY, "stop the scope %s from within", unit);
	if (result == 0)
		result = begin_request("stop", socket, unit, &arguments, error);
	if (result == 0)
		result = ask_manager(&arguments, -1, &refusal, error);
	if (result == 0 && refusal)
		return error_set(error, EIO, "stop the scope %s: %s", unit, refusal);
	return result < 0 ? result : remove_forgotten(&hierarchy, unit, error);
}

const struct cgroup_manager cgroup_systemd = {"systemd", probe_systemd, enter_scope, abandon_scope};
