#include "runtime/plan_require.h"

#include <errno.h>
#include <string.h>

#include "base/memory.h"
#include "base/scope.h"
#include "security/capability.h"

/*
 * What is in every sandbox, whatever is asked for, has no name here: own namespaces, the keyring, the end of all
 * processes with the tool. A name is for what an option, a profile or the machine can take away.
 */

static bool has_many_ids(const struct sandbox_spec *spec, const struct plan *plan)
{
	(void)spec;
	return !plan->idmap.single;
}

static bool has_filter(const struct sandbox_spec *spec, const struct plan *plan)
{
	(void)spec;
	return plan->seccomp.count > 0;
}

static bool has_own_filter(const struct sandbox_spec *spec, const struct plan *plan)
{
	(void)spec;
	return plan->seccomp.count > 0 && !plan->seccomp_profile;
}

static bool has_no_new_privileges(const struct sandbox_spec *spec, const struct plan *plan)
{
	(void)spec;
	return plan->no_new_privs;
}

static bool has_default_capabilities(const struct sandbox_spec *spec, const struct plan *plan)
{
	(void)spec;
	return (plan->capabilities & ~CAPABILITY_DEFAULT) == 0;
}

static bool has_no_capabilities(const struct sandbox_spec *spec, const struct plan *plan)
{
	(void)spec;
	return plan->capabilities == 0;
}

static bool has_no_nesting(const struct sandbox_spec *spec, const struct plan *plan)
{
	(void)plan;
	return !spec->nesting;
}

static bool has_masks(const struct sandbox_spec *spec, const struct plan *plan)
{
	return !spec->nesting && !plan->unmask_all && plan->unmasked.count == 0;
}

static bool has_own_processes(const struct sandbox_spec *spec, const struct plan *plan)
{
	(void)plan;
	return spec->proc == SANDBOX_PROC_NEW;
}

static bool has_own_network(const struct sandbox_spec *spec, const struct plan *plan)
{
	(void)spec;
	return network_is_own(plan->network.kind);
}

static bool has_no_network(const struct sandbox_spec *spec, const struct plan *plan)
{
	(void)spec;
	return plan->network.kind == NETWORK_NONE;
}

static bool is_read_only(const struct sandbox_spec *spec, const struct plan *plan)
{
	(void)plan;
	return spec->read_only;
}

static bool is_in_memory(const struct sandbox_spec *spec, const struct plan *plan)
{
	(void)spec;
	return !plan->upper_on_disk;
}

static bool has_nothing_lent(const struct sandbox_spec *spec, const struct plan *plan)
{
	(void)spec;
	for (size_t i = 0; i < plan->mounts.count; i++)
		if (plan->mounts.steps[i].kind == MOUNT_BIND)
			return false;
	return plan->preserve_fds == 0;
}

static bool has_no_devices(const struct sandbox_spec *spec, const struct plan *plan)
{
	(void)plan;
	return spec->device.count == 0;
}

/* Limits count when the kernel holds them: what is watched from outside can be outrun. */
static bool has_limit(const struct plan *plan, const char *option)
{
	const struct cgroup_limit *limit = cgroup_limits_find(&plan->cgroup.limits, option);

	return limit && limit->hold == CGROUP_HOLD_HARD;
}

static bool has_memory_limit(const struct sandbox_spec *spec, const struct plan *plan)
{
	(void)spec;
	return has_limit(plan, "memory");
}

static bool has_pids_limit(const struct sandbox_spec *spec, const struct plan *plan)
{
	(void)spec;
	return has_limit(plan, "pids-limit");
}

static bool has_cpu_limit(const struct sandbox_spec *spec, const struct plan *plan)
{
	(void)spec;
	return has_limit(plan, "cpus");
}

static const struct requirement {
	const char *name;
	bool (*is_held)(const struct sandbox_spec *spec, const struct plan *plan);
	const char *missing;
	const char *fix;
} requirements[] = {
	{"userns-map", has_many_ids, "there would be a single id inside", "see `sandbox doctor`, and leave --userns=single out"},
	{"seccomp", has_filter, "there would be no system call filter", "leave --security-opt seccomp=unconfined out"},
	{"seccomp-default", has_own_filter, "the filter would not be the default one", "leave --security-opt seccomp=... out"},
	{"no-new-privileges", has_no_new_privileges, "set-user-ID programs of the image would work",
		"leave --security-opt no-new-privileges=false out"},
	{"default-capabilities", has_default_capabilities, "there would be more capabilities than by default",
		"leave --cap-add out"},
	{"no-capabilities", has_no_capabilities, "there would be capabilities", "use --cap-drop ALL, and no --cap-add"},
	{"no-nesting", has_no_nesting, "namespaces could be made inside", "leave --nesting out"},
	{"masks", has_masks, "parts of /proc and /sys that are hidden by default would be visible",
		"leave --nesting and --security-opt unmask= out"},
	{"own-processes", has_own_processes, "processes of the host would be visible", "leave --proc=host out"},
	{"own-network", has_own_network, "the network would be the host's", "leave --net=host out"},
	{"no-network", has_no_network, "other machines would be within reach", "leave --net and --publish out"},
	{"read-only", is_read_only, "the root file system could be written", "use --read-only"},
	{"tmpfs-overlay", is_in_memory, "what is written would go to disk",
		"leave --overlay=disk out; on a disk all the same: Linux 6.6 or later is needed"},
	{"nothing-lent", has_nothing_lent, "files or descriptors of the caller's would be within reach",
		"leave --volume, --mount type=bind and --preserve-fds out"},
	{"memory", has_memory_limit, "the kernel would not limit its memory", "use --memory, without --limits best-effort"},
	{"pids", has_pids_limit, "the kernel would not limit its processes", "use --pids-limit, without --limits best-effort"},
	{"cpus", has_cpu_limit, "the kernel would not limit its processors' time", "use --cpus"},
	{"no-devices", has_no_devices, "a device of the host would be within reach", "leave --device out"},
};

static const struct requirement *find_requirement(const char *name)
{
	for (size_t i = 0; i < array_count(requirements); i++)
		if (strcmp(requirements[i].name, name) == 0)
			return &requirements[i];
	return NULL;
}

static int refuse_name(const char *name, struct sandbox_error *error)
{
	auto_free char *names = NULL;

	for (size_t i = 0; i < array_count(requirements); i++)
		memory_append(&names, "%s%s", i ? ", " : "", requirements[i].name);
	error_set(error, 0, "--require \"%s\"", name);
	error_cause(error, SANDBOX_E_USAGE, "it is not one of the protections that can be required");
	return error_fix(error, "name some of %s", names);
}

static int check_name(const char *name, const struct sandbox_spec *spec, const struct plan *plan,
	struct sandbox_error *error)
{
	const struct requirement *requirement = find_requirement(name);

	if (!requirement)
		return refuse_name(name, error);
	if (requirement->is_held(spec, plan))
		return 0;
	error_set(error, EPERM, "--require %s", name);
	error_cause(error, SANDBOX_E_REQUIRED, "%s", requirement->missing);
	return error_fix(error, "%s", requirement->fix);
}

bool plan_requirement(size_t index, const struct sandbox_spec *spec, const struct plan *plan, const char **out_name,
	bool *out_held)
{
	if (index >= array_count(requirements))
		return false;
	*out_name = requirements[index].name;
	*out_held = requirements[index].is_held(spec, plan);
	return true;
}

bool plan_is_required(const struct sandbox_spec *spec, const char *name)
{
	for (size_t i = 0; i < spec->require.count; i++) {
		auto_free char *list = memory_text(spec->require.items[i]);
		char *rest = list, *word;

		while ((word = strsep(&rest, ",")))
			if (strcmp(word, name) == 0)
				return true;
	}
	return false;
}

int plan_check_required(const struct sandbox_spec *spec, const struct plan *plan, struct sandbox_error *error)
{
	int result = 0;

	for (size_t i = 0; i < spec->require.count && result == 0; i++) {
		auto_free char *list = memory_text(spec->require.items[i]);
		char *rest = list, *name;

		while (result == 0 && (name = strsep(&rest, ",")))
			result = check_name(name, spec, plan, error);
	}
	return result;
}
