#include "runtime/plan.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/memory.h"
#include "base/scope.h"
#include "base/signals.h"
#include "base/strings.h"
#include "base/text.h"
#include "process/environment.h"
#include "process/terminal.h"
#include "runtime/plan_require.h"
#include "runtime/registry.h"
#include "runtime/status.h"
#include "security/capability.h"

enum {
	HOSTNAME_LENGTH_MAX = 64, /* __NEW_UTS_LEN */
	PRESERVE_FDS_MAX = 1024,
	STORAGE_SIZE_MIN = 64 << 10,
};

#define LETTERS_AND_DIGITS "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789"

static const char default_hostname[] = "sandbox";
static const uint64_t default_tmpfs_size_max = UINT64_C(4) << 30;

static int decide_name(const struct sandbox_spec *spec, char **out, struct sandbox_error *error)
{
	*out = memory_text(spec->name);
	return spec->name ? registry_check_name(spec->name, "--name", error) : 0;
}

static int refuse_kept(const char *option, const char *cause, const char *fix, struct sandbox_error *error)
{
	error_set(error, 0, "%s", option);
	error_cause(error, SANDBOX_E_USAGE, "%s", cause);
	return error_fix(error, "%s", fix);
}

/* Who names a sandbox means to come back to it, and then it must be on the disk. */
static int decide_kept(const struct sandbox_spec *spec, struct plan *plan, struct sandbox_error *error)
{
	plan->kept = spec->keep || (spec->name && !spec->rm && !strings_variable(&spec->given, "keep"));
	if (spec->keep && spec->rm)
		return refuse_kept("--rm", "--keep was given, too", "leave one of them out", error);
	if (plan->kept && spec->overlay == SANDBOX_OVERLAY_TMPFS)
		return refuse_kept("--overlay=tmpfs", "a sandbox with a name, or --keep, is kept, and memory keeps nothing",
			"leave it out, or let nothing stay of the sandbox: --rm", error);
	if (plan->kept && spec->preserve_fds)
		return refuse_kept("--preserve-fds", "a sandbox with a name, or --keep, can be started again, and nobody "
			"has them open then", "leave it out, or let nothing stay of the sandbox: --rm", error);
	return 0;
}

static int decide_labels(const struct sandbox_spec *spec, struct plan *plan, struct sandbox_error *error)
{
	for (size_t i = 0; i < spec->label.count; i++) {
		const char *label = spec->label.items[i];
		size_t length = strcspn(label, "=");
		auto_free char *key = memory_text_n(label, length);

		if (!length || !text_is_utf8(label)) {
			error_set(error, 0, "--label \"%.64s\"", label);
			error_cause(error, SANDBOX_E_USAGE, "%s", length ? "it is not UTF-8" : "it has no key");
			return error_fix(error, "write KEY=VALUE, or KEY alone");
		}
		strings_set_variable(&plan->labels, key, label[length] ? label + length + 1 : "");
	}
	return 0;
}

/* A name alone is replaced, and a file that is there may be of another sandbox. */
static int decide_files(const struct sandbox_spec *spec, struct plan *plan, struct sandbox_error *error)
{
	plan->replace = spec->replace;
	plan->cidfile = memory_text(spec->cidfile);
	plan->pidfile = memory_text(spec->pidfile);
	if (spec->replace && !spec->name)
		return refuse_kept("--replace", "it replaces the sandbox that has the name, and none is given",
			"give one with --name", error);
	if (!spec->cidfile || faccessat(AT_FDCWD, spec->cidfile, F_OK, AT_SYMLINK_NOFOLLOW) < 0)
		return 0;
	error_set(error, EEXIST, "--cidfile %s", spec->cidfile);
	error_cause(error, SANDBOX_E_USAGE, "it may tell of another sandbox that still runs");
	return error_fix(error, "rm %s, once you are sure", spec->cidfile);
}

static int decide_stop(const struct sandbox_spec *spec, struct plan *plan, struct sandbox_error *error)
{
	plan->stop_timeout = spec->stop_timeout;
	plan->stop_signal = spec->stop_signal ? signal_parse(spec->stop_signal) : 0;
	if (plan->stop_signal >= 0)
		return 0;
	error_set(error, 0, "--stop-signal \"%s\"", spec->stop_signal);
	error_cause(error, SANDBOX_E_USAGE, "there is no such signal");
	return error_fix(error, "give a name or a number, such as TERM or 15");
}

/* A configuration may say it once for all; who types it means this one. */
static int decide_log(const struct sandbox_spec *spec, struct plan *plan, struct sandbox_error *error)
{
	const char *origin = strings_variable(&spec->given, "log-opt");
	int result = log_limits_decide(&spec->log_opt, &plan->log, error);

	if (result < 0 || spec->detach || plan->kept || !origin || !text_starts_with(origin, "--"))
		return result;
	return refuse_kept("--log-opt", "only what a sandbox in the background writes goes to a log",
		"start it with --detach", error);
}

/* What is asked for and cannot be had must not be passed over. */
static int decide_life(const struct sandbox_spec *spec, struct plan *plan, struct sandbox_error *error)
{
	int result = decide_kept(spec, plan, error);

	if (result == 0)
		result = decide_labels(spec, plan, error);
	if (result == 0)
		result = decide_files(spec, plan, error);
	if (result == 0)
		result = decide_stop(spec, plan, error);
	if (result == 0)
		result = decide_log(spec, plan, error);
	plan->remove = spec->rm || (!spec->detach && !plan->kept);
	if (result < 0 || spec->rm || !plan->remove || !strings_variable(&spec->given, "rm"))
		return result;
	error_set(error, 0, "--rm=false");
	error_cause(error, SANDBOX_E_USAGE, "a sandbox leaves nothing behind when its command ends, unless it is kept or was "
		"detached");
	return error_fix(error, "give it a name, or --keep");
}

/* To tmpfs a size of 0 means no limit, and less than a few pages does not hold what every sandbox needs. */
static int check_sizes(const struct sandbox_spec *spec, struct sandbox_error *error)
{
	bool is_shm = spec->shm_size == 0;
	bool is_given = spec->storage_size || strings_variable(&spec->given, "storage-size");

	if (!is_shm && (!is_given || spec->storage_size >= STORAGE_SIZE_MIN))
		return 0;
	error_set(error, 0, is_shm ? "--shm-size" : "--storage-size");
	error_cause(error, SANDBOX_E_USAGE, "%s", is_shm ? "0 would be no limit at all" : "a sandbox needs 64 KiB for itself");
	return error_fix(error, "give a larger size, such as 64m");
}

/* RFC 1123, and what sethostname(2) takes. */
static int decide_hostname(const struct sandbox_spec *spec, char **out, struct sandbox_error *error)
{
	const char *name = spec->hostname ? spec->hostname : spec->name ? spec->name : default_hostname;
	size_t length = strlen(name);

	if (!length || length > HOSTNAME_LENGTH_MAX ||
	    strspn(name, LETTERS_AND_DIGITS "-._") != length) {
		error_set(error, 0, "--hostname \"%s\"", name);
		error_cause(error, SANDBOX_E_USAGE, "a host name is 1 to 64 letters, digits, dots, hyphens and underscores");
		return error_fix(error, "name another one with --hostname");
	}
	*out = memory_text(name);
	return 0;
}

static int decide_root(const struct sandbox_spec *spec, const struct host *host, struct plan *plan,
	struct sandbox_error *error)
{
	uint64_t quarter = host->memory / 4;

	plan->root.tmpfs_size = quarter && quarter < default_tmpfs_size_max ? quarter : default_tmpfs_size_max;
	if (spec->storage_size)
		plan->root.tmpfs_size = spec->storage_size;
	/* An inode costs the kernel about a KiB that the size does not count. */
	plan->root.tmpfs_inodes = plan->root.tmpfs_size / 4096 + 1024;

	plan->root.upper_stays = plan->kept;
	plan->upper_on_disk = plan->kept || spec->overlay == SANDBOX_OVERLAY_DISK ||
		(spec->overlay == SANDBOX_OVERLAY_AUTO && !host->tmpfs_holds_attributes);
	if (spec->overlay == SANDBOX_OVERLAY_TMPFS && !host->tmpfs_holds_attributes) {
		error_set(error, EOPNOTSUPP, "put the writable layer on a tmpfs");
		error_cause(error, SANDBOX_E_OVERLAY, "this kernel's tmpfs has no user attributes (Linux 6.6 and later have)");
		return error_fix(error, "use --overlay=disk, or leave --overlay out");
	}
	if (plan->upper_on_disk && spec->storage_size) {
		error_set(error, EOPNOTSUPP, "hold --storage-size");
		error_cause(error, SANDBOX_E_LIMIT_UNAVAILABLE, "a writable layer on disk has no size limit of its own");
		return error_fix(error, plan->kept ? "leave it out, or let nothing stay of the sandbox: --rm"
			: "use --overlay=tmpfs where the kernel can, or leave --storage-size out");
	}
	return 0;
}

/*
 * What the caller handed us came through an exec, so it is not close-on-exec, and everything of our own is: a
 * number that the caller left free must not give the payload our directory of images.
 */
static bool is_inherited(int fd)
{
	int flags = fcntl(fd, F_GETFD);

	return flags >= 0 && !(flags & FD_CLOEXEC);
}

int plan_check_streams(struct sandbox_error *error)
{
	struct stat status;

	for (int fd = STDIN_FILENO; fd <= STDERR_FILENO; fd++)
		if (fstat(fd, &status) == 0 && S_ISDIR(status.st_mode)) {
			error_set(error, EISDIR, "descriptor %d", fd);
			error_cause(error, SANDBOX_E_USAGE, "the command could reach the host's files through it");
			return error_fix(error, "do not redirect standard input, output or error to a directory");
		}
	return 0;
}

static int decide_descriptors(const struct sandbox_spec *spec, struct plan *plan, struct sandbox_error *error)
{
	int result;

	if (spec->preserve_fds > PRESERVE_FDS_MAX) {
		error_set(error, 0, "--preserve-fds %llu", (unsigned long long)spec->preserve_fds);
		error_cause(error, SANDBOX_E_USAGE, "%d descriptors at most can be preserved", PRESERVE_FDS_MAX);
		return error_fix(error, "give a smaller number");
	}
	for (int fd = 3; fd < 3 + (int)spec->preserve_fds; fd++)
		if (!is_inherited(fd)) {
			error_set(error, EBADF, "--preserve-fds: descriptor %d", fd);
			return error_fix(error, "open the descriptors 3 to %u before starting sandbox",
				2 + (unsigned int)spec->preserve_fds);
		}
	plan->preserve_fds = (unsigned int)spec->preserve_fds;
	result = status_decide(spec->status_fd, plan->preserve_fds, &plan->status_fd, error);
	return result < 0 ? result : plan_check_streams(error);
}

static int decide_terminal(const struct sandbox_spec *spec, struct plan *plan, struct sandbox_error *error)
{
	if (spec->detach)
		plan->terminal = spec->tty ? TERMINAL_DETACHED : TERMINAL_NONE;
	else
		plan->terminal = terminal_choose(spec->no_tty);
	plan->keep_input = spec->detach && spec->interactive && !spec->tty;
	if (!spec->tty || plan->terminal == TERMINAL_PTY || (plan->terminal == TERMINAL_DETACHED && !spec->no_tty))
		return 0;
	error_set(error, 0, "--tty");
	error_cause(error, SANDBOX_E_USAGE, "%s", spec->no_tty ? "--no-tty was given, too"
		: "standard output is not a terminal");
	return error_fix(error, "leave --tty out, or run it in a terminal (script(1) makes one)");
}

static int decide_umask(const struct sandbox_spec *spec, struct plan *plan, struct sandbox_error *error)
{
	uint64_t mask = 022;

	if (spec->umask && !text_parse_octal(spec->umask, 0777, &mask)) {
		error_set(error, 0, "--umask \"%s\"", spec->umask);
		error_cause(error, SANDBOX_E_USAGE, "it is not an octal number up to 777");
		return error_fix(error, "for example --umask 077");
	}
	plan->umask = (mode_t)mask;
	return 0;
}

/* Lowering it is the privilege of the host's root: proc_pid_oom_score_adj(5). */
static int decide_oom_score(const struct sandbox_spec *spec, const struct host *host, struct plan *plan,
	struct sandbox_error *error)
{
	const char *text = spec->oom_score_adj;
	bool is_number, is_too_low;
	uint64_t number = 0;
	long score;

	if (!text)
		return 0;
	is_number = text_parse_unsigned(text + (*text == '-'), 1000, &number);
	score = *text == '-' ? -(long)number : (long)number;
	is_too_low = score < host->oom_score_adj && (host->user.uid != 0 || host->nested_root);
	if (!is_number || is_too_low) {
		error_set(error, is_number ? EACCES : 0, "--oom-score-adj \"%s\"", text);
		error_cause(error, SANDBOX_E_USAGE, "it is not a number from %d, what it is here, to 1000", host->oom_score_adj);
		return error_fix(error, "%s", is_number ? "give a larger number: only privileged users may ask to be spared"
			: "for example --oom-score-adj 500");
	}
	plan->oom_score_adj = memory_format("%ld", score);
	return 0;
}

static int decide_process(const struct sandbox_spec *spec, struct plan *plan, struct sandbox_error *error)
{
	const char *workdir = spec->workdir ? spec->workdir : "/";
	const struct environment_request environment = {&spec->env_file, &spec->env, strings_variable(&spec->given, "env"),
		spec->env_host, &spec->unsetenv, &plan->environment_asked};

	if (*workdir != '/') {
		error_set(error, 0, "--workdir \"%s\"", workdir);
		error_cause(error, SANDBOX_E_USAGE, "the working directory must be an absolute path inside the sandbox");
		return error_fix(error, "--workdir /%s", workdir);
	}
	/* An unset variable of a script must not make the command root. */
	if (spec->user && (!*spec->user || *spec->user == ':')) {
		error_set(error, 0, "--user \"%s\"", spec->user);
		error_cause(error, SANDBOX_E_USER_UNKNOWN, "it names no user");
		return error_fix(error, "write a name of the image's /etc/passwd or a number, or leave --user out");
	}
	plan->workdir = memory_text(workdir);
	plan->user = spec->user || !plan->idmap.keeps_id ? memory_text(spec->user)
			: memory_format("%u:%u", plan->idmap.kept_uid, plan->idmap.kept_gid);
	strings_add_all(&plan->groups, &spec->group_add);
	if (plan->groups.count && plan->idmap.single) {
		error_set(error, EPERM, "--group-add %s", plan->groups.items[0]);
		error_cause(error, SANDBOX_E_ID_UNMAPPED, "with a single id the kernel denies every change of groups");
		return error_fix(error, "leave it out, or have subordinate ids (see `sandbox help E_SUBID_MISSING`)");
	}
	plan->without_home = strings_contain(&spec->unsetenv, "HOME");
	strings_add_all(&plan->command, &spec->command);
	plan->timeout = spec->timeout;
	/* Only who needs the helper programs is spared them. */
	plan->holder = plan->idmap.single || geteuid() == 0 ? 0 : spec->holder;
	plan->supervision = spec->detach ? SUPERVISION_DETACHED : SUPERVISION_ATTACHED;
	plan->own_init = !spec->init;
	return environment_decide(&environment, plan->hostname, &plan->environment, &plan->environment_origins, error);
}

/* With the rights of the caller, whose own control group it would find where it has none of its own. */
static bool can_mount_groups(const struct sandbox_spec *spec, const struct plan *plan)
{
	return (spec->nesting || plan->capabilities & CAPABILITY_BIT(CAP_SYS_ADMIN)) &&
		id_extents_find(&plan->idmap.users, geteuid(), NULL);
}

int plan_build(const struct sandbox_spec *spec, const struct host *host, const struct idmap *idmap,
	struct plan *out, struct sandbox_error *error)
{
	int result;

	*out = (struct plan){.idmap = *idmap, .layers = -1, .status_fd = -1, .maps_itself = idmap->single || host->user.uid == 0};
	result = decide_life(spec, out, error);
	if (result == 0)
		result = check_sizes(spec, error);
	if (result == 0)
		result = decide_name(spec, &out->name, error);
	if (result == 0)
		result = decide_hostname(spec, &out->hostname, error);
	if (result == 0)
		result = plan_decide_network(spec, host, out, error);
	if (result == 0)
		result = decide_descriptors(spec, out, error);
	if (result == 0)
		result = decide_root(spec, host, out, error);
	if (result == 0)
		result = decide_terminal(spec, out, error);
	if (result == 0)
		result = decide_process(spec, out, error);
	if (result == 0)
		result = decide_umask(spec, out, error);
	if (result == 0)
		result = decide_oom_score(spec, host, out, error);
	if (result == 0)
		result = plan_decide_security(spec, out, error);
	if (result == 0)
		result = cgroup_plan_decide(&spec->limits, can_mount_groups(spec, out), &out->cgroup, error);
	if (result == 0)
		result = plan_decide_mounts(spec, host, out, error);
	if (result == 0)
		result = plan_check_required(spec, out, error);
	return result;
}

void plan_set_layers(struct plan *plan, int store_layers, const struct sandbox_strings *layers)
{
	plan->layers = store_layers;
	strings_add_all(&plan->root.layers, layers);
}

void plan_finish(struct plan *plan)
{
	if (plan->holder_call > 0)
		(void)close(plan->holder_call);
	sandbox_strings_finish(&plan->root.layers);
	sandbox_strings_finish(&plan->command);
	sandbox_strings_finish(&plan->command_origins);
	sandbox_strings_finish(&plan->groups);
	sandbox_strings_finish(&plan->masked);
	sandbox_strings_finish(&plan->unmasked);
	sandbox_strings_finish(&plan->environment);
	sandbox_strings_finish(&plan->environment_origins);
	sandbox_strings_finish(&plan->environment_asked);
	mount_list_finish(&plan->mounts);
	network_plan_finish(&plan->network);
	seccomp_program_finish(&plan->seccomp);
	free(plan->seccomp_profile);
	free(plan->seccomp_text);
	cgroup_plan_finish(&plan->cgroup);
	free(plan->root.upper);
	sandbox_strings_finish(&plan->labels);
	free(plan->name);
	free(plan->kept_record);
	free(plan->cidfile);
	free(plan->pidfile);
	free(plan->image);
	free(plan->digest);
	free(plan->hostname);
	free(plan->workdir);
	free(plan->oom_score_adj);
	free(plan->user);
	*plan = (struct plan){0};
}
