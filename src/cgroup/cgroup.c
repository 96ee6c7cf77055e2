#include "cgroup/cgroup.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/memory.h"
#include "base/program.h"
#include "base/scope.h"
#include "base/test_switch.h"
#include "base/text.h"
#include "cgroup/device.h"

/* In the order in which they are tried, and the values of --cgroups that allow them. */
static const struct {
	const struct cgroup_manager *manager;
	unsigned int allowed;
} managers[] = {
	{&cgroup_delegated, 1 << SANDBOX_CGROUPS_AUTO | 1 << SANDBOX_CGROUPS_DELEGATED},
	{&cgroup_systemd, 1 << SANDBOX_CGROUPS_AUTO | 1 << SANDBOX_CGROUPS_SYSTEMD},
	{&cgroup_inherited, 1 << SANDBOX_CGROUPS_AUTO | 1 << SANDBOX_CGROUPS_DELEGATED},
};

const struct cgroup_manager *cgroup_manager_find(const char *name)
{
	for (size_t i = 0; i < array_count(managers); i++)
		if (strcmp(managers[i].manager->name, name) == 0)
			return managers[i].manager;
	return NULL;
}

/* What has come of asking all of them. */
struct choice {
	const struct cgroup_manager *manager; /* that can hold everything, or else the first that can hold something */
	struct cgroup_offer offer;
	bool complete;
	char *refusals; /* of those that can do nothing, for people */
};

void cgroup_offer_finish(struct cgroup_offer *offer)
{
	free(offer->parent);
	free(offer->why);
	*offer = (struct cgroup_offer){0};
}

static void choice_finish(struct choice *choice)
{
	cgroup_offer_finish(&choice->offer);
	free(choice->refusals);
}

static void ask_manager(const struct cgroup_manager *manager, const struct cgroup_hierarchy *hierarchy,
	const char *wanted, unsigned int needed, struct choice *choice)
{
	auto_finish(cgroup_offer_finish) struct cgroup_offer offer = {0};
	struct sandbox_error reason = {0};

	if (manager->probe(hierarchy, wanted, &offer, &reason) < 0) {
		memory_append(&choice->refusals, "%s%s: %s", choice->refusals ? "; " : "", manager->name, reason.text);
		return;
	}
	choice->complete = (needed & ~offer.controllers) == 0;
	if (choice->manager && !choice->complete)
		return;
	cgroup_offer_finish(&choice->offer);
	choice->manager = manager;
	choice->offer = offer;
	offer = (struct cgroup_offer){0};
}

static void choose(const struct cgroup_hierarchy *hierarchy, const struct sandbox_limits *wanted, unsigned int needed,
	struct choice *out)
{
	for (size_t i = 0; i < array_count(managers) && !out->complete; i++)
		if (managers[i].allowed & 1U << wanted->cgroups)
			ask_manager(managers[i].manager, hierarchy, wanted->cgroup_parent, needed, out);
}

/* ---- explaining ---- */

static const struct cgroup_limit *first_without(const struct cgroup_limits *limits, unsigned int controllers)
{
	for (size_t i = 0; i < limits->count; i++)
		if (limits->items[i].hold == CGROUP_HOLD_HARD && !(controllers & 1U << limits->items[i].controller))
			return &limits->items[i];
	return NULL;
}

/* The lowest group on the way to `directory` that has the controller, and does not pass it on; NULL when none has it. */
static char *find_withholder(const struct cgroup_hierarchy *hierarchy, const char *directory, unsigned int controller)
{
	auto_free char *path = memory_text(directory), *found = NULL;

	while (strlen(path) >= strlen(hierarchy->mount)) {
		free(found);
		found = memory_text(path);
		if (cgroup_read_controllers(path, "cgroup.controllers") & controller)
			return take_ptr(found);
		*strrchr(path, '/') = '\0';
	}
	return NULL;
}

static int fix_controller(const char *directory, struct sandbox_error *error)
{
	static const char *const drop_ins[] = {"../share/sandbox/systemd/user-delegate.conf",
		"../contrib/systemd/user-delegate.conf", NULL};
	auto_free char *drop_in = program_find_file(drop_ins);

	if (!strstr(directory, "/user@"))
		return error_fix(error, "have the controller enabled in the cgroup.subtree_control of that group and of those "
			"below it");
	return error_fix(error, "sudo install -D -m 0644 %s /etc/systemd/system/user@.service.d/sandbox.conf && "
		"sudo systemctl daemon-reload && systemctl --user daemon-reexec",
		drop_in ? drop_in : "contrib/systemd/user-delegate.conf");
}

static int explain_controller(const struct cgroup_hierarchy *hierarchy, const struct cgroup_limit *limit,
	const char *directory, struct sandbox_error *error)
{
	const char *controller = cgroup_controller_name(limit->controller);
	auto_free char *withholder = find_withholder(hierarchy, directory, 1U << limit->controller);

	error_set(error, EOPNOTSUPP, "hold --%s: no controller %s in %s", limit->option, controller, directory);
	if (!withholder) {
		error_cause(error, SANDBOX_E_CGROUP_CONTROLLER, "cgroup v2 has no controller %s on this machine%s", controller,
			hierarchy->legacy & 1U << limit->controller ? ": cgroup v1 holds it" : "");
		return error_fix(error, "boot a kernel that has it, with systemd.unified_cgroup_hierarchy=1");
	}
	error_cause(error, SANDBOX_E_CGROUP_CONTROLLER, "%s has it and does not pass it on", withholder);
	return fix_controller(directory, error);
}

static bool is_without_manager(void)
{
	auto_free char *socket = memory_format("/run/user/%u/systemd/private", (unsigned int)geteuid());

	return access(socket, F_OK) < 0;
}

static int explain_absence(const struct cgroup_hierarchy *hierarchy, const struct sandbox_limits *wanted,
	const struct cgroup_limit *limit, const char *refusals, struct sandbox_error *error)
{
	/* Rates and shares are not among what can be watched. */
	const char *otherwise = limit && !limit->quantity && !limit->implied ? ""
		: ", or watch memory and processes with --limits best-effort";
	char held[64];

	if (limit)
		error_set(error, EOPNOTSUPP, "hold --%s", limit->option);
	else
		error_set(error, EOPNOTSUPP, "make a control group%s%s", wanted->cgroup_parent ? " below " : "",
			wanted->cgroup_parent ? wanted->cgroup_parent : "");
	if (wanted->cgroups == SANDBOX_CGROUPS_NONE) {
		error_cause(error, SANDBOX_E_CGROUP_MISSING, "--cgroups none was given");
		return error_fix(error, "leave it out%s", otherwise);
	}
	if (limit && hierarchy->legacy & 1U << limit->controller) {
		error_cause(error, SANDBOX_E_CGROUP_MISSING,
			"on this machine cgroup v1 holds %s, which cannot be delegated safely",
			cgroup_controllers_format(hierarchy->legacy, held, sizeof(held)));
		return error_fix(error, "boot with systemd.unified_cgroup_hierarchy=1 for cgroup v2%s", otherwise);
	}
	error_cause(error, SANDBOX_E_CGROUP_MISSING, "%s", refusals);
	/* Systemd is there, and only the user's manager is not: it can be had without a login. */
	if (hierarchy->controllers && geteuid() != 0 && access("/run/systemd/system", F_OK) == 0 && is_without_manager())
		return error_fix(error, "sudo loginctl enable-linger $(id -un)");
	return error_fix(error, "log in where systemd runs a user manager, or have a cgroup delegated to you%s", otherwise);
}

/* ---- deciding ---- */

/* What the kernel will not hold is watched instead, as far as there is something to watch. */
static int fall_back(struct cgroup_limits *limits, unsigned int controllers, struct sandbox_error *error)
{
	for (size_t i = 0; i < limits->count; i++) {
		struct cgroup_limit *limit = &limits->items[i];

		if (controllers & 1U << limit->controller)
			continue;
		if (!limit->quantity && !limit->implied) {
			error_set(error, EOPNOTSUPP, "hold --%s", limit->option);
			error_cause(error, SANDBOX_E_LIMIT_UNAVAILABLE, "nothing delegates the controller %s to us, and "
				"--limits best-effort can watch --memory and --pids-limit only",
				cgroup_controller_name(limit->controller));
			return error_fix(error, "leave it out, or see `sandbox help E_CGROUP_MISSING`");
		}
		limit->hold = CGROUP_HOLD_SAMPLED;
	}
	return 0;
}

static int check_choice(const struct cgroup_hierarchy *hierarchy, const struct sandbox_limits *wanted,
	struct choice *choice, struct cgroup_plan *plan, struct sandbox_error *error)
{
	unsigned int controllers = choice->manager ? choice->offer.controllers : 0;
	const struct cgroup_limit *lost = first_without(&plan->limits, controllers);
	bool insists = wanted->cgroups == SANDBOX_CGROUPS_SYSTEMD || wanted->cgroups == SANDBOX_CGROUPS_DELEGATED ||
		wanted->cgroup_parent;

	if (!choice->manager && insists && wanted->cgroups != SANDBOX_CGROUPS_NONE)
		return explain_absence(hierarchy, wanted, lost, choice->refusals, error);
	if (!lost)
		return 0;
	if (wanted->mode == SANDBOX_LIMITS_BEST_EFFORT)
		return fall_back(&plan->limits, controllers, error);
	return choice->manager ? explain_controller(hierarchy, lost, choice->offer.parent, error)
		: explain_absence(hierarchy, wanted, lost, choice->refusals, error);
}

enum { WEIGHT_USUAL = 100, WEIGHT_MAX = 10000, BFQ_WEIGHT_MAX = 1000 };

/* bfq has a file and a scale of its own, with the same middle; as systemd translates them. */
static void use_bfq(struct cgroup_limit *limit)
{
	unsigned long weight = strtoul(limit->value + strcspn(limit->value, "0123456789"), NULL, 10);

	if (weight > WEIGHT_USUAL)
		weight = WEIGHT_USUAL + (weight - WEIGHT_USUAL) * (BFQ_WEIGHT_MAX - WEIGHT_USUAL) / (WEIGHT_MAX - WEIGHT_USUAL);
	free(limit->value);
	limit->value = memory_format("default %lu", weight);
	limit->file = "io.bfq.weight";
}

/* The file is there whenever the kernel could share disks by weight, also while nothing does. */
int cgroup_check_weights(const char *mount, struct cgroup_limits *limits, struct sandbox_error *error)
{
	for (size_t i = 0; i < limits->count; i++) {
		struct cgroup_limit *limit = &limits->items[i];

		if (strcmp(limit->file, "io.weight") != 0 || cgroup_device_has_cost(mount))
			continue;
		if (!cgroup_device_has_bfq()) {
			error_set(error, EOPNOTSUPP, "hold --%s", limit->option);
			error_cause(error, SANDBOX_E_LIMIT_UNAVAILABLE, "no disk of this machine is shared by weight");
			return error_fix(error, "have root choose the scheduler bfq for the disk (its queue/scheduler below "
				"/sys/block), or limit bytes and operations with --device-read-bps and its kin");
		}
		use_bfq(limit);
	}
	return 0;
}

int cgroup_plan_decide_in(const struct cgroup_hierarchy *hierarchy, const struct sandbox_limits *wanted,
	struct cgroup_plan *out, struct sandbox_error *error)
{
	auto_finish(choice_finish) struct choice choice = {0};
	unsigned int needed = cgroup_limits_controllers(&out->limits);
	int result;

	choose(hierarchy, wanted, needed, &choice);
	result = check_choice(hierarchy, wanted, &choice, out, error);
	if (result == 0)
		result = cgroup_check_weights(hierarchy->mount, &out->limits, error);
	if (result < 0)
		return result;
	out->why = choice.manager ? take_ptr(choice.offer.why) : take_ptr(choice.refusals);
	out->manager = choice.manager;
	out->parent = take_ptr(choice.offer.parent);
	out->wanted = memory_text(wanted->cgroup_parent);
	out->controllers = wanted->counting ? choice.offer.controllers : cgroup_limits_controllers(&out->limits);
	return 0;
}

/* A group costs more than all else that a start does: not without a reason. */
static bool is_asked_for(const struct sandbox_limits *wanted, const struct cgroup_limits *limits)
{
	return wanted->counting || limits->count != 0 || wanted->cgroup_parent ||
		wanted->cgroups == SANDBOX_CGROUPS_SYSTEMD || wanted->cgroups == SANDBOX_CGROUPS_DELEGATED;
}

/*
 * Whether this user can change the group that we are in. What stands beside us in it can be paused and ended, too, where
 * the hierarchy is mounted without nsdelegate.
 */
static bool is_own_group_exposed(const struct cgroup_hierarchy *hierarchy)
{
	static const char *const files[] = {".", "cgroup.procs", "cgroup.freeze", "cgroup.kill"};

	for (size_t i = 0; hierarchy->own && i < array_count(files); i++) {
		auto_free char *path = memory_format("%s/%s", hierarchy->own, files[i]);

		if (faccessat(AT_FDCWD, path, W_OK, AT_EACCESS) == 0)
			return !test_defence_removed("cgroup-apart");
	}
	return false;
}

static int explain_exposed(const struct cgroup_hierarchy *hierarchy, const struct sandbox_limits *wanted, const char *why,
	struct sandbox_error *error)
{
	error_set(error, EOPNOTSUPP, "keep the command out of this control group, %s", hierarchy->own);
	error_cause(error, SANDBOX_E_CGROUP_MISSING, "a command that may mount cgroup2 could change it, and what is in it "
		"besides; %s", wanted->cgroups == SANDBOX_CGROUPS_NONE ? "--cgroups none was given" : why);
	return error_fix(error, "leave --nesting, --cap-add SYS_ADMIN or --cgroups none out");
}

int cgroup_plan_decide(const struct sandbox_limits *wanted, bool mounts, struct cgroup_plan *out,
	struct sandbox_error *error)
{
	auto_finish(cgroup_hierarchy_finish) struct cgroup_hierarchy hierarchy = {0};
	int result = cgroup_limits_decide(wanted, &out->limits, error);
	bool asked = result == 0 && is_asked_for(wanted, &out->limits), exposed;

	if (result < 0 || (!asked && !mounts))
		return result;
	result = cgroup_hierarchy_find(&hierarchy, error);
	exposed = result == 0 && mounts && is_own_group_exposed(&hierarchy);
	if (result < 0 || (!asked && !exposed))
		return result;
	result = cgroup_plan_decide_in(&hierarchy, wanted, out, error);
	return result == 0 && exposed && !out->manager ? explain_exposed(&hierarchy, wanted, out->why, error) : result;
}

void cgroup_plan_finish(struct cgroup_plan *plan)
{
	cgroup_limits_finish(&plan->limits);
	free(plan->parent);
	free(plan->wanted);
	free(plan->why);
	*plan = (struct cgroup_plan){0};
}
