#include "runtime/plan_report.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>

#include "base/memory.h"
#include "base/scope.h"
#include "base/strings.h"
#include "base/text.h"
#include "security/capability.h"

static const char by_default[] = "default";

/* Takes the ownership of `value`. */
static void add_row(struct sandbox_plan_report *report, const char *section, const char *name, char *value,
	const char *why)
{
	struct sandbox_plan_row *row;

	report->rows = memory_resize(report->rows, report->count + 1, sizeof(*report->rows));
	row = &report->rows[report->count++];
	*row = (struct sandbox_plan_row){section, memory_text(name), value, memory_text(why)};
}

/* Where the value of this option comes from. */
static const char *origin(const struct sandbox_spec *spec, const char *option)
{
	const char *given = strings_variable(&spec->given, option);

	return given ? given : by_default;
}

/* Where something comes from that two options decide. */
static char *both_origins(const struct sandbox_spec *spec, const char *one, const char *other)
{
	const char *first = strings_variable(&spec->given, one), *second = strings_variable(&spec->given, other);

	if (first && second)
		return memory_format("%s, %s", first, second);
	return memory_text(first ? first : second ? second : by_default);
}

static void report_ids(const struct plan *plan, const struct sandbox_spec *spec, struct sandbox_plan_report *out)
{
	char text[ID_MAP_EXTENTS_MAX * 36];
	auto_free char *mapped_by = both_origins(spec, "uidmap", "gidmap");
	const char *why = spec->userns ? origin(spec, "userns") : plan->idmap.single ? "no subordinate ids" : mapped_by;

	add_row(out, "ids", "users", memory_text(id_extents_format(&plan->idmap.users, text, sizeof(text))), why);
	add_row(out, "ids", "groups", memory_text(id_extents_format(&plan->idmap.groups, text, sizeof(text))), why);
	add_row(out, "ids", "written by", memory_text(plan->maps_itself ? "sandbox itself" : "newuidmap, newgidmap"), why);
}

static void report_namespaces(const struct plan *plan, const struct sandbox_spec *spec,
	struct sandbox_plan_report *out)
{
	static const char *const names[] = {"user", "pid", "mount", "ipc", "uts", "net", "cgroup"};

	bool own_network = network_is_own(plan->network.kind);

	for (size_t i = 0; i < array_count(names); i++) {
		bool is_own = own_network || strcmp(names[i], "net") != 0;

		add_row(out, "namespaces", names[i], memory_text(is_own ? "its own" : "the host's"),
			is_own ? by_default : "--net");
	}
	add_row(out, "namespaces", "host name", memory_text(plan->hostname),
		spec->hostname ? origin(spec, "hostname") : origin(spec, "name"));
}

static void report_lines(const char *name, const char *text, const char *why, struct sandbox_plan_report *out)
{
	auto_free char *copy = memory_text(text);
	char *rest = copy, *line;

	while ((line = strsep(&rest, "\n")))
		if (*line)
			add_row(out, "network", name, memory_text(line), why);
}

/* Of several options that bring pasta along the first is named. */
static void report_network(const struct plan *plan, const struct sandbox_spec *spec, struct sandbox_plan_report *out)
{
	const char *const options[] = {"net", "publish"};
	const char *why = by_default;

	for (size_t i = array_count(options); i > 0; i--)
		if (strings_variable(&spec->given, options[i - 1]))
			why = origin(spec, options[i - 1]);
	add_row(out, "network", "kind", memory_text(network_summary(plan->network.kind)), why);
	for (size_t i = 0; i < plan->network.arguments.count; i++)
		add_row(out, "network", i ? "argument" : "program", memory_text(plan->network.arguments.items[i]), why);
	report_lines("/etc/resolv.conf", plan->network.resolver, origin(spec, "dns"), out);
	for (size_t i = 0; i < spec->add_host.count; i++)
		add_row(out, "network", "/etc/hosts", memory_text(spec->add_host.items[i]), "--add-host");
}

static const struct {
	uint64_t attribute;
	const char *name;
} attribute_names[] = {
	{MOUNT_ATTR_RDONLY, "ro"},
	{MOUNT_ATTR_NOSUID, "nosuid"},
	{MOUNT_ATTR_NODEV, "nodev"},
	{MOUNT_ATTR_NOEXEC, "noexec"},
};

static char *mount_value(const struct mount_step *step)
{
	char size[32];
	char *text = memory_text(mount_kind_name(step->kind));
	char separator = ' ';

	/* The text of a file of ours has lines, and is not for a table. */
	if (step->source && step->kind != MOUNT_FILE && step->kind != MOUNT_ENTRY)
		memory_append(&text, " %s", step->source);
	for (size_t i = 0; i < array_count(attribute_names); i++) {
		if (!(step->attributes & attribute_names[i].attribute))
			continue;
		memory_append(&text, "%c%s", separator, attribute_names[i].name);
		separator = ',';
	}
	if (step->size)
		memory_append(&text, "%csize=%s", separator, text_format_size(step->size, size, sizeof(size)));
	return text;
}

static void report_mounts(const struct plan *plan, const struct sandbox_spec *spec, struct sandbox_plan_report *out)
{
	char size[32];
	const char *flags = plan->root.nosuid ? "nosuid,nodev" : "nodev";
	const char *why = plan->kept ? (spec->keep ? "keep" : "name") : spec->storage_size ? "storage-size" : "overlay";
	char *where = plan->upper_on_disk ? memory_format("overlay %s, written to disk%s", flags, plan->kept ? " and kept" : "")
			: memory_format("overlay %s, written to a tmpfs of %s", flags,
				text_format_size(plan->root.tmpfs_size, size, sizeof(size)));

	add_row(out, "mounts", "/", where, origin(spec, why));
	for (size_t i = 0; i < plan->mounts.count; i++) {
		const struct mount_step *step = &plan->mounts.steps[i];

		add_row(out, "mounts", step->target, mount_value(step), origin(spec, step->why));
	}
}

static void report_security(const struct plan *plan, const struct sandbox_spec *spec, struct sandbox_plan_report *out)
{
	struct seccomp_policy policy = {plan->capabilities, spec->nesting};
	auto_free char *capabilities_why = both_origins(spec, "cap-add", "cap-drop");
	char text[200];

	add_row(out, "security", "bounding set", capability_format(plan->capabilities),
		capabilities_why);
	if (plan->seccomp_profile)
		add_row(out, "security", "seccomp", memory_text(plan->seccomp_profile), origin(spec, "security-opt"));
	else if (plan->seccomp.count)
		add_row(out, "security", "seccomp", memory_text(seccomp_filter_format(&policy, text, sizeof(text))),
			origin(spec, "nesting"));
	else
		add_row(out, "security", "seccomp", memory_text("none"), origin(spec, "security-opt"));
	add_row(out, "security", "no_new_privs", memory_text(plan->no_new_privs ? "on" : "off"),
		plan->no_new_privs ? by_default : origin(spec, "security-opt"));
	add_row(out, "security", "session keyring", memory_text("its own, empty"), by_default);
	add_row(out, "security", "nested user namespaces", memory_text(spec->nesting ? "allowed" : "refused"),
		origin(spec, "nesting"));
	for (size_t i = 0; i < plan->rlimits.count; i++)
		add_row(out, "security", "limit", memory_text(rlimit_format(&plan->rlimits.items[i], text, sizeof(text))),
			origin(spec, "ulimit"));
}

static const char *const hold_words[] = {
	[CGROUP_HOLD_HARD] = "held by the kernel",
	[CGROUP_HOLD_SAMPLED] = "sampled: watched from outside",
};

static void report_limits(const struct plan *plan, struct sandbox_plan_report *out)
{
	const struct cgroup_plan *cgroup = &plan->cgroup;

	if (!cgroup->manager && !cgroup->limits.count)
		return;
	add_row(out, "limits", "group", cgroup->manager ? memory_format("%s, below %s", cgroup->manager->name,
		cgroup->parent) : memory_text("none"), cgroup->why ? cgroup->why : by_default);
	for (size_t i = 0; i < cgroup->limits.count; i++) {
		const struct cgroup_limit *limit = &cgroup->limits.items[i];
		auto_free char *option = memory_format("--%s", limit->implied ? "memory" : limit->option);

		add_row(out, "limits", limit->option,
			memory_format("%s = %s, %s", limit->file, limit->value, hold_words[limit->hold]), option);
	}
}

static void report_environment(const struct plan *plan, struct sandbox_plan_report *out)
{
	for (size_t i = 0; i < plan->environment.count; i++) {
		const char *assignment = plan->environment.items[i], *equals = strchr(assignment, '=');
		auto_free char *name = memory_text_n(assignment, (size_t)(equals - assignment));

		add_row(out, "environment", name, memory_text(equals + 1),
			strings_variable(&plan->environment_origins, name));
	}
	if (!plan->without_home && !strings_variable(&plan->environment, "HOME"))
		add_row(out, "environment", "HOME", memory_text("the user's, in the image's /etc/passwd"), by_default);
}

static const struct {
	const char *text;
	const char *why;
} terminals[] = {
	[TERMINAL_NONE] = {"none", by_default},
	[TERMINAL_PTY] = {"its own", "standard output or error is a terminal"},
	[TERMINAL_PIPE] = {"a pipe in its place", "--no-tty"},
	[TERMINAL_DETACHED] = {"its own, written to the log", "--tty"},
};

static void report_process(const struct plan *plan, const struct sandbox_spec *spec, struct sandbox_plan_report *out)
{
	char number[24];

	add_row(out, "process", "user", memory_text(plan->user ? plan->user : "root"),
		plan->user_of_image ? "image" : origin(spec, plan->idmap.keeps_id && !spec->user ? "userns" : "user"));
	add_row(out, "process", "working directory", memory_text(plan->workdir),
		plan->workdir_of_image ? "image" : origin(spec, "workdir"));
	add_row(out, "process", "umask", memory_format("%03o", plan->umask), origin(spec, "umask"));
	if (plan->oom_score_adj)
		add_row(out, "process", "OOM score", memory_text(plan->oom_score_adj), origin(spec, "oom-score-adj"));
	add_row(out, "process", "PID 1", memory_text(spec->init ? "sandbox-init" : "the command"), origin(spec, "init"));
	add_row(out, "process", "terminal", memory_text(terminals[plan->terminal].text), terminals[plan->terminal].why);
	add_row(out, "process", "descriptors", memory_format("0 to %u", 2 + plan->preserve_fds),
		origin(spec, "preserve-fds"));
	if (plan->timeout)
		add_row(out, "process", "timeout", memory_format("%llu ms", (unsigned long long)plan->timeout),
			origin(spec, "timeout"));
	if (!plan->command.count)
		add_row(out, "command", "0", memory_text("root's shell, in the image's /etc/passwd"), by_default);
	for (size_t i = 0; i < plan->command.count; i++) {
		(void)snprintf(number, sizeof(number), "%zu", i);
		add_row(out, "command", number, memory_text(plan->command.items[i]), plan->command_origins.items[i]);
	}
}

void plan_report(const struct plan *plan, const struct sandbox_spec *spec, const char *image, const char *content,
	struct sandbox_plan_report *out)
{
	add_row(out, "image", image, memory_text(content), "argument");
	report_ids(plan, spec, out);
	report_namespaces(plan, spec, out);
	report_network(plan, spec, out);
	report_mounts(plan, spec, out);
	report_limits(plan, out);
	report_security(plan, spec, out);
	report_environment(plan, out);
	report_process(plan, spec, out);
}

void sandbox_plan_report_finish(struct sandbox_plan_report *report)
{
	for (size_t i = 0; i < report->count; i++) {
		free(report->rows[i].name);
		free(report->rows[i].value);
		free(report->rows[i].why);
	}
	free(report->rows);
	*report = (struct sandbox_plan_report){0};
}
