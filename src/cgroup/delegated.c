/* Groups that exist and are ours: given to us by hand, by systemd (Delegate=), or with --cgroup-parent. */
#include "cgroup/cgroup.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/memory.h"
#include "base/scope.h"
#include "base/text.h"

static int require_hierarchy(const struct cgroup_hierarchy *hierarchy, struct sandbox_error *error)
{
	if (!hierarchy->mount)
		return error_set(error, 0, "cgroup v2 is not mounted");
	if (!hierarchy->controllers)
		return error_set(error, 0, "cgroup v2 has no controllers here");
	return hierarchy->own ? 0 : error_set(error, 0, "our own group cannot be seen");
}

static bool is_slice(const char *wanted)
{
	size_t length = strlen(wanted);

	return !strchr(wanted, '/') && length > 6 && strcmp(wanted + length - 6, ".slice") == 0;
}

/* A directory, or a path in the hierarchy as /proc/PID/cgroup shows it. */
static int find_wanted(const struct cgroup_hierarchy *hierarchy, const char *wanted, char **out, struct sandbox_error *error)
{
	auto_free char *path = text_starts_with(wanted, hierarchy->mount) ? memory_text(wanted)
		: memory_format("%s%s", hierarchy->mount, wanted);

	if (is_slice(wanted))
		return error_set(error, 0, "%s is for systemd", wanted);
	if (*wanted != '/' || strstr(wanted, "/../"))
		return error_set(error, 0, "--cgroup-parent %s is no absolute path", wanted);
	if (access(path, F_OK) < 0)
		return error_set(error, errno, "%s", path);
	if (!cgroup_is_ours(path))
		return error_set(error, 0, "%s is not ours to divide", path);
	*out = take_ptr(path);
	return 0;
}

/* Where a manager of systemd divides the groups, only what it has left to us may be touched. */
static bool is_managed(const char *own)
{
	return geteuid() == 0 ? access("/run/systemd/system", F_OK) == 0 : strstr(own, "/user@") != NULL;
}

static int probe_delegated(const struct cgroup_hierarchy *hierarchy, const char *wanted, struct cgroup_offer *out,
	struct sandbox_error *error)
{
	int result = require_hierarchy(hierarchy, error);

	if (result < 0)
		return result;
	if (wanted) {
		result = find_wanted(hierarchy, wanted, &out->parent, error);
		out->why = memory_text("--cgroup-parent");
	} else {
		out->parent = cgroup_find_ours(hierarchy, hierarchy->own, is_managed(hierarchy->own));
		out->why = memory_text("we are in it");
	}
	if (result < 0)
		return result;
	if (!out->parent)
		return error_set(error, 0, "%s is not delegated to us", hierarchy->own);
	out->controllers = cgroup_read_controllers(out->parent, "cgroup.controllers");
	return 0;
}

/* What was delegated to somebody above us who is this user as well, and who is not there to ask: the user manager. */
static int probe_inherited(const struct cgroup_hierarchy *hierarchy, const char *wanted, struct cgroup_offer *out,
	struct sandbox_error *error)
{
	int result = require_hierarchy(hierarchy, error);

	if (result < 0)
		return result;
	if (wanted)
		return error_set(error, 0, "--cgroup-parent was given");
	out->parent = cgroup_find_ours(hierarchy, hierarchy->own, false);
	if (!out->parent)
		return error_set(error, 0, "no group above is ours");
	out->why = memory_text("a group above us is ours");
	out->controllers = cgroup_read_controllers(out->parent, "cgroup.controllers");
	return 0;
}

static int enter_existing(const struct cgroup_plan *plan, const char *name, int life, char **parent,
	struct sandbox_error *error)
{
	(void)plan;
	(void)name;
	(void)life;
	return *parent ? 0 : error_set(error, EINVAL, "enter a group");
}

const struct cgroup_manager cgroup_delegated = {"delegated", probe_delegated, enter_existing, NULL};
const struct cgroup_manager cgroup_inherited = {"inherited", probe_inherited, enter_existing, NULL};
