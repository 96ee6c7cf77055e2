/* Deciding what the root of a sandbox consists of. */
#include <errno.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/sysmacros.h>

#include "base/memory.h"
#include "base/scope.h"
#include "base/strings.h"
#include "base/test_switch.h"
#include "base/text.h"
#include "runtime/plan.h"
#include "runtime/plan_volumes.h"
#include "security/capability.h"

#define NO_SUID_DEV      (MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV)
#define NO_SUID_DEV_EXEC (NO_SUID_DEV | MOUNT_ATTR_NOEXEC)

static const char by_default[] = "default";

static const struct mount_step dev = {
	MOUNT_TMPFS, .target = (char *)"/dev", .mode = 0755, .size = 1 << 20,
	.attributes = MOUNT_ATTR_NOSUID | MOUNT_ATTR_NOEXEC};

static const struct mount_step below_sys[] = {
	/* Language runtimes look here for their limits. */
	{MOUNT_CGROUP, true, (char *)"/sys/fs/cgroup", .attributes = NO_SUID_DEV_EXEC | MOUNT_ATTR_RDONLY},
};

static const struct mount_step own_sysfs = {
	MOUNT_SYSFS, .target = (char *)"/sys", .attributes = NO_SUID_DEV_EXEC | MOUNT_ATTR_RDONLY};

/* The kernel gives a sysfs only to the owner of the network namespace. */
static const struct mount_step host_sysfs = {
	MOUNT_SYSFS, .target = (char *)"/sys", .source = (char *)"/sys", .attributes = NO_SUID_DEV_EXEC | MOUNT_ATTR_RDONLY,
	.why = "net"};

/* What is mounted below the host's, and never was below one of the sandbox's own. */
static const char *const host_sysfs_masked[] = {
	"/sys/fs/bpf", "/sys/fs/fuse/connections", "/sys/fs/pstore", "/sys/fs/resctrl", "/sys/fs/selinux",
	"/sys/kernel/config", "/sys/kernel/debug", "/sys/kernel/security", "/sys/kernel/tracing",
};

static const struct {
	const char *path;
	unsigned int major, minor; /* Linux's allocated devices, devices.txt */
} devices[] = {
	{"/dev/null", 1, 3}, {"/dev/zero", 1, 5}, {"/dev/full", 1, 7}, {"/dev/random", 1, 8}, {"/dev/urandom", 1, 9},
	{"/dev/tty", 5, 0},
};

static const struct mount_step below_dev[] = {
	{MOUNT_SYMLINK, .target = (char *)"/dev/ptmx", .source = (char *)"pts/ptmx"},
	{MOUNT_SYMLINK, .target = (char *)"/dev/fd", .source = (char *)"/proc/self/fd"},
	{MOUNT_SYMLINK, .target = (char *)"/dev/stdin", .source = (char *)"/proc/self/fd/0"},
	{MOUNT_SYMLINK, .target = (char *)"/dev/stdout", .source = (char *)"/proc/self/fd/1"},
	{MOUNT_SYMLINK, .target = (char *)"/dev/stderr", .source = (char *)"/proc/self/fd/2"},
	{MOUNT_MQUEUE, true, (char *)"/dev/mqueue", .attributes = NO_SUID_DEV_EXEC},
};

static const struct mount_step directories[] = {
	{MOUNT_DIRECTORY, .target = (char *)"/tmp", .mode = 01777},
	{MOUNT_DIRECTORY, .target = (char *)"/run", .mode = 0755},
};

/* What Docker hides and protects; each may be absent, by the kernel's configuration. */
static const char *const proc_masked[] = {
	"/proc/acpi", "/proc/asound", "/proc/interrupts", "/proc/kcore", "/proc/keys", "/proc/latency_stats",
	"/proc/sched_debug", "/proc/scsi", "/proc/timer_list", "/proc/timer_stats",
};

static const char *const proc_read_only[] = {"/proc/bus", "/proc/fs", "/proc/irq", "/proc/sysrq-trigger"};

static const char *const sys_masked[] = {"/sys/devices/virtual/powercap", "/sys/firmware"};

/* Once they are written (add_settings). */
static const char *const settings_read_only[] = {"/proc/sys"};

static void add_all(struct mount_list *list, const struct mount_step *steps, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		struct mount_step step = steps[i];

		step.why = by_default;
		mount_list_add(list, &step);
	}
}

static void add_sys(struct mount_list *list, enum network_kind network)
{
	if (network_is_own(network))
		add_all(list, &own_sysfs, 1);
	else
		mount_list_add(list, &host_sysfs);
	add_all(list, below_sys, array_count(below_sys));
}

static void add_paths(struct mount_list *list, enum mount_kind kind, const char *const *paths, size_t count,
	uint64_t attributes, const struct sandbox_strings *but)
{
	for (size_t i = 0; i < count; i++) {
		struct mount_step step = {kind, true, (char *)paths[i], .attributes = attributes, .why = by_default};

		if (!strings_contain(but, paths[i]))
			mount_list_add(list, &step);
	}
}

static void add_text(struct mount_list *list, enum mount_kind kind, const char *target, const char *text, const char *why)
{
	struct mount_step step = {kind, kind == MOUNT_SYSCTL, (char *)target, (char *)text, .why = why};

	mount_list_add(list, &step);
}

static void add_dev(struct mount_list *list, const struct idmap *idmap, uint64_t shm_size)
{
	/* In every distribution that has one, the group of terminals is 5. */
	bool has_tty_group = id_extents_lookup(&idmap->groups, 5, NULL);
	struct mount_step terminals = {MOUNT_DEVPTS, .target = (char *)"/dev/pts",
		.source = has_tty_group ? (char *)"5" : NULL, .attributes = MOUNT_ATTR_NOSUID | MOUNT_ATTR_NOEXEC,
		.why = by_default};
	struct mount_step shm = {MOUNT_TMPFS, .target = (char *)"/dev/shm", .mode = 01777, .size = shm_size,
		.attributes = NO_SUID_DEV_EXEC, .why = "shm-size"};

	add_all(list, &dev, 1);
	for (size_t i = 0; i < array_count(devices); i++) {
		char *path = (char *)devices[i].path;
		struct mount_step step = {MOUNT_DEVICE, .target = path, .source = path,
			.device = makedev(devices[i].major, devices[i].minor), .why = by_default};

		mount_list_add(list, &step);
	}
	mount_list_add(list, &terminals);
	mount_list_add(list, &shm);
	add_all(list, below_dev, array_count(below_dev));
}

/*
 * Who may ping is a range of groups, and the kernel compares them by the host's numbers: from the group with
 * the smallest to the one with the largest. Inside, the first must not be above the last, or nobody may; of a
 * map that is upside down (a caller whose group comes after his subordinate ones) only one extent may.
 */
static char *ping_groups(const struct id_extents *groups)
{
	const struct id_extent *first = &groups->items[0], *last = first;

	for (size_t i = 1; i < groups->count; i++) {
		if (groups->items[i].outside < first->outside)
			first = &groups->items[i];
		if (groups->items[i].outside > last->outside)
			last = &groups->items[i];
	}
	if (first->inside > last->inside)
		first = last;
	return memory_format("%u %u", first->inside, last->inside + last->count - 1);
}

/* Whether kernel settings of the sandbox's own namespaces can be written. */
static bool has_settings(const struct sandbox_spec *spec, const struct host *host)
{
	return spec->proc == SANDBOX_PROC_NEW || !host->proc_sys_is_read_only;
}

static void add_sysctls(struct mount_list *list, const struct sandbox_spec *spec, const struct plan *plan)
{
	auto_free char *groups = ping_groups(&plan->idmap.groups);

	/* ping and low ports need no capability inside: the network namespace is the sandbox's own. */
	if (network_is_own(plan->network.kind) && !test_defence_removed("net-namespace")) {
		add_text(list, MOUNT_SYSCTL, "/proc/sys/net/ipv4/ping_group_range", groups, by_default);
		add_text(list, MOUNT_SYSCTL, "/proc/sys/net/ipv4/ip_unprivileged_port_start", "0", by_default);
	}
	if (!spec->nesting && !test_defence_removed("max-user-namespaces"))
		add_text(list, MOUNT_SYSCTL, "/proc/sys/user/max_user_namespaces", "0", by_default);
}

static void add_etc(struct mount_list *list, const struct plan *plan)
{
	auto_free char *name = memory_format("%s\n", plan->hostname);

	if (plan->network.hosts)
		add_text(list, MOUNT_FILE, "/etc/hosts", plan->network.hosts, by_default);
	add_text(list, MOUNT_FILE, "/etc/hostname", name, by_default);
	add_text(list, MOUNT_FILE, "/etc/resolv.conf", plan->network.resolver, by_default);
}

/* A working directory is made where it is missing, and that before the root is sealed. */
static void add_workdir_and_seal(struct mount_list *list, const struct sandbox_spec *spec)
{
	struct mount_step workdir = {MOUNT_DIRECTORY, .target = spec->workdir, .mode = 0755, .why = "workdir"};
	struct mount_step seal = {MOUNT_SEAL, .target = (char *)"/", .why = "read-only"};

	if (spec->workdir)
		mount_list_add(list, &workdir);
	if (spec->read_only)
		mount_list_add(list, &seal);
}

/* The kept id has a name inside, or shells and compilers complain. */
static void add_kept_user(struct mount_list *list, const struct idmap *idmap, const char *name)
{
	auto_free char *user = memory_format("%s:x:%u:%u::/:/bin/sh\n", name, idmap->kept_uid, idmap->kept_gid);
	auto_free char *group = memory_format("%s:x:%u:\n", name, idmap->kept_gid);

	if (!idmap->keeps_id)
		return;
	add_text(list, MOUNT_ENTRY, "/etc/passwd", user, "userns");
	add_text(list, MOUNT_ENTRY, "/etc/group", group, "userns");
}

/* The settings that belong to the sandbox's own namespaces: sysctl(8) keys, or the beginnings of keys. */
static const char *const own_sysctls[] = {
	"net.", "fs.mqueue.", "kernel.msgmax", "kernel.msgmnb", "kernel.msgmni", "kernel.sem", "kernel.shmall",
	"kernel.shmmax", "kernel.shmmni", "kernel.shm_rmid_forced",
};

static bool is_own_sysctl(const char *key)
{
	for (size_t i = 0; i < array_count(own_sysctls); i++)
		if (text_starts_with(key, own_sysctls[i]))
			return strspn(key, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_.-") == strlen(key) &&
				!strstr(key, "..");
	return false;
}

static int add_user_sysctl(struct mount_list *list, const char *text, struct sandbox_error *error)
{
	const char *equals = strchr(text, '=');
	auto_free char *key = memory_text_n(text, equals ? (size_t)(equals - text) : 0);
	auto_free char *path = NULL;
	struct mount_step step = {MOUNT_SYSCTL, .why = "sysctl"};

	if (!equals || !is_own_sysctl(key)) {
		error_set(error, 0, "--sysctl \"%s\"", text);
		error_cause(error, SANDBOX_E_USAGE, "it is not KEY=VALUE, or the key is not one of a sandbox's own namespaces");
		return error_fix(error, "use keys below net. and fs.mqueue., and kernel.msg*, kernel.sem, kernel.shm*");
	}
	path = memory_format("/proc/sys/%s", key);
	for (char *dot = path; (dot = strchr(dot, '.')); dot++)
		*dot = '/';
	step.target = path;
	step.source = (char *)equals + 1;
	mount_list_add(list, &step);
	return 0;
}

static int add_user_sysctls(struct mount_list *list, const struct sandbox_spec *spec, struct sandbox_error *error)
{
	int result = 0;

	for (size_t i = 0; i < spec->sysctl.count && result == 0; i++)
		result = add_user_sysctl(list, spec->sysctl.items[i], error);
	return result;
}

static void add_user_masks(struct mount_list *list, const struct plan *plan)
{
	for (size_t i = 0; i < plan->masked.count; i++) {
		struct mount_step step = {MOUNT_MASK, false, plan->masked.items[i], .why = "security-opt"};

		mount_list_add(list, &step);
	}
}

static void add_proc(struct mount_list *list, const struct sandbox_spec *spec)
{
	struct mount_step step = {MOUNT_PROC, .target = (char *)"/proc",
		.source = spec->proc == SANDBOX_PROC_HOST ? (char *)"/proc" : NULL,
		.attributes = NO_SUID_DEV_EXEC, .why = "proc"};

	mount_list_add(list, &step);
}

/* The kernel gives a nested user namespace its own /proc only where all of ours can be seen. */
static bool has_protection(const struct sandbox_spec *spec, const struct plan *plan)
{
	return !spec->nesting && !plan->unmask_all;
}

static void add_proc_protection(struct mount_list *list, const struct sandbox_spec *spec, const struct plan *plan)
{
	if (!has_protection(spec, plan))
		return;
	add_paths(list, MOUNT_MASK, proc_masked, array_count(proc_masked), 0, &plan->unmasked);
	add_paths(list, MOUNT_READ_ONLY, proc_read_only, array_count(proc_read_only), NO_SUID_DEV_EXEC, &plan->unmasked);
}

/* The host's /proc is protected as a whole: root inside is the caller to the kernel, and his processes are in it. */
static void add_protection(struct mount_list *list, const struct sandbox_spec *spec, const struct plan *plan)
{
	const struct mount_step seal = {MOUNT_READ_ONLY, .target = (char *)"/proc", .why = "proc"};

	if (has_protection(spec, plan)) {
		add_paths(list, MOUNT_MASK, sys_masked, array_count(sys_masked), 0, &plan->unmasked);
		if (!network_is_own(plan->network.kind))
			add_paths(list, MOUNT_MASK, host_sysfs_masked, array_count(host_sysfs_masked), 0, &plan->unmasked);
		add_paths(list, MOUNT_READ_ONLY, settings_read_only, array_count(settings_read_only), NO_SUID_DEV_EXEC,
			&plan->unmasked);
	}
	if (spec->proc == SANDBOX_PROC_HOST)
		mount_list_add(list, &seal);
}

static int add_settings(struct mount_list *list, const struct sandbox_spec *spec, const struct host *host,
	const struct plan *plan, struct sandbox_error *error)
{
	if (has_settings(spec, host)) {
		add_sysctls(list, spec, plan);
		return add_user_sysctls(list, spec, error);
	}
	/* Then the filter alone refuses user namespaces. */
	if (!spec->sysctl.count && (plan->seccomp.count || spec->nesting))
		return 0;
	error_set(error, EROFS, spec->sysctl.count ? "--sysctl" : "refuse user namespaces inside");
	error_cause(error, SANDBOX_E_PROC_MASKED, "/proc/sys is read-only here, and --proc=host shows it as it is");
	return error_fix(error, spec->sysctl.count ? "leave --sysctl out, or have a /proc that is not masked"
			: "keep the system call filter, or allow them with --nesting");
}

/* Tracers of the sandbox's user namespace would be those of what helps it from outside: init, pasta. */
static int check_host_proc(const struct sandbox_spec *spec, const struct plan *plan, struct sandbox_error *error)
{
	if (spec->proc != SANDBOX_PROC_HOST || !(plan->capabilities & CAPABILITY_BIT(CAP_SYS_PTRACE)))
		return 0;
	error_set(error, 0, "--proc=host with the capability SYS_PTRACE");
	error_cause(error, SANDBOX_E_USAGE, "processes outside of the sandbox could be read through it");
	return error_fix(error, "leave one of them out");
}

int plan_decide_mounts(const struct sandbox_spec *spec, const struct host *host, struct plan *plan,
	struct sandbox_error *error)
{
	struct mount_list *list = &plan->mounts;
	int result = check_host_proc(spec, plan, error);

	if (result < 0)
		return result;
	/* What protects comes first: later targets follow the image's links, also into /proc and over its files. */
	add_proc(list, spec);
	add_dev(list, &plan->idmap, spec->shm_size);
	add_proc_protection(list, spec, plan);
	/* From here on the network namespace must be there (mount_list.h): it is made meanwhile. */
	add_sys(list, plan->network.kind);
	result = add_settings(list, spec, host, plan, error);
	add_protection(list, spec, plan);
	add_all(list, directories, array_count(directories));
	add_kept_user(list, &plan->idmap, host->user.name);
	add_etc(list, plan);
	/* After the kernel's files are settled: what is lent may lie anywhere else. */
	if (result == 0)
		result = plan_decide_volumes(spec, list, error);
	add_user_masks(list, plan);
	add_workdir_and_seal(list, spec);
	return result;
}
