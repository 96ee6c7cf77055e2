/* sandbox run: an image and a command. */
#include <errno.h>
#include <limits.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include <sandbox/container.h>
#include <sandbox/life.h>
#include <sandbox/spec.h>

#include "base/memory.h"
#include "base/scope.h"
#include "base/strings.h"
#include "base/test_switch.h"
#include "base/text.h"
#include "cli/command.h"
#include "cli/foreign_options.h"
#include "cli/import_progress.h"
#include "cli/inherited.h"
#include "cli/limit_options.h"
#include "cli/output.h"
#include "cli/plan_print.h"
#include "cli/run_options.h"
#include "cli/receipt_print.h"

static const char *const overlay_words[] = {
	[SANDBOX_OVERLAY_AUTO] = "auto",
	[SANDBOX_OVERLAY_TMPFS] = "tmpfs",
	[SANDBOX_OVERLAY_DISK] = "disk",
	NULL,
};

/* For completion alone: keep-id takes more. */
static const char *const userns_words[] = {"default", "map", "single", "keep-id", NULL};

static const char *const proc_words[] = {
	[SANDBOX_PROC_NEW] = "new",
	[SANDBOX_PROC_HOST] = "host",
	NULL,
};

/* The first is what --net alone means. */
static const char *const net_words[] = {"pasta", "none", "host", NULL};
static const char *const foreign_net_words[] = {
	"bridge", "container", "default", "ns", "private", "sandbox", "slirp4netns", NULL,
};

static const char *const cgroups_words[] = {
	[SANDBOX_CGROUPS_AUTO] = "auto",
	[SANDBOX_CGROUPS_SYSTEMD] = "systemd",
	[SANDBOX_CGROUPS_DELEGATED] = "delegated",
	[SANDBOX_CGROUPS_NONE] = "none",
	NULL,
};

static const char *const limits_words[] = {
	[SANDBOX_LIMITS_STRICT] = "strict",
	[SANDBOX_LIMITS_BEST_EFFORT] = "best-effort",
	NULL,
};

/* What --summary alone means: standard error. */
static const char *const summary_words[] = {"-", NULL};

#define FIELD(name) offsetof(struct run_options, spec.name)
#define LIMIT(name) offsetof(struct run_options, spec.limits.name)
#define OWN(name)   offsetof(struct run_options, name)

static const struct option_entry run_table[] = {
	{OPTION_HEADING, .help = "Name and life"},
	{OPTION_TEXT, "name", 0, "NAME", "a name, unique among your sandboxes; what it writes is kept", FIELD(name)},
	{OPTION_FLAG, "keep", 0, NULL, "keep what it writes, for `sandbox start` (so anyway with a name)", FIELD(keep)},
	{OPTION_FLAG, "rm", 0, NULL, "leave nothing behind, whatever name it has (so anyway without name, --keep and -d)",
		FIELD(rm)},
	{OPTION_LIST, "label", 'l', "KEY[=VALUE]", "a label, for `sandbox ps` and `inspect`", FIELD(label)},
	{OPTION_FLAG, "detach", 'd', NULL, "in the background: print an id and return once the command runs", FIELD(detach)},
	{OPTION_FLAG, "replace", 0, NULL, "end and remove the sandbox that has the name", FIELD(replace)},
	{OPTION_TEXT, "cidfile", 0, "FILE", "write its id into a new file", FIELD(cidfile)},
	{OPTION_TEXT, "pidfile", 0, "FILE", "write the process id of its init into a file, for as long as it runs",
		FIELD(pidfile)},
	{OPTION_TEXT, "stop-signal", 0, "SIGNAL", "what `sandbox stop` sends first (default: the image's, else TERM)",
		FIELD(stop_signal)},
	{OPTION_DURATION, "stop-timeout", 0, "DURATION", "how long `sandbox stop` waits before KILL (default 10s)",
		FIELD(stop_timeout)},
	{OPTION_TEXT, "status-fd", 0, "N", "tell descriptor N when it starts and how it ends, as JSON", FIELD(status_fd)},
	{OPTION_DURATION, "timeout", 0, "DURATION", "end it after that long, with status 124", FIELD(timeout)},
	{OPTION_LIST, "log-opt", 0, "max-size=SIZE|max-file=N", "how much of what it writes in the background is kept (8m, 2)",
		FIELD(log_opt)},
	{OPTION_HEADING, .help = "Image"},
	{OPTION_TEXT, "platform", 0, "OS/ARCH[/VARIANT]",
		"another machine's image, of an archive for several (default: this machine's)", FIELD(platform)},
	{OPTION_TEXT, "select", 0, "NAME", "the image of this name, of an archive that holds several", FIELD(select)},
	{OPTION_HEADING, .help = "Process"},
	{OPTION_TEXT, "entrypoint", 0, "PROGRAM", "run this with the command as its arguments (default: the image's)",
		FIELD(entrypoint)},
	{OPTION_LIST, "env", 'e', "NAME[=VALUE]", "set a variable, or take it from here", FIELD(env)},
	{OPTION_LIST, "env-file", 0, "FILE", "set the variables that a file lists", FIELD(env_file)},
	{OPTION_FLAG, "env-host", 0, NULL, "take all variables from here, but PATH, HOME and the like", FIELD(env_host)},
	{OPTION_LIST, "unsetenv", 0, "NAME", "without this variable, wherever it would come from", FIELD(unsetenv)},
	{OPTION_TEXT, "workdir", 'w', "PATH", "the working directory (made if missing)", FIELD(workdir)},
	{OPTION_FLAG, "init", 0, NULL, "run under a small init (default; --init=false: be PID 1)", FIELD(init)},
	{OPTION_FLAG, "interactive", 'i', NULL, "with -d keep standard input open for attach (else pass it on, unless =false)",
		FIELD(interactive)},
	{OPTION_FLAG, "tty", 't', NULL, "insist on a terminal of its own (default: when there is one here; =false: no)",
		FIELD(tty)},
	{OPTION_FLAG, "no-tty", 0, NULL, "no terminal of its own in any case", FIELD(no_tty)},
	{OPTION_UNSIGNED, "preserve-fds", 0, "N", "keep the N descriptors from 3 on open", FIELD(preserve_fds)},
	{OPTION_TEXT, "umask", 0, "OCTAL", "which permissions new files do not get (default 022)", FIELD(umask)},
	{OPTION_TEXT, "oom-score-adj", 0, "N", "end it sooner when memory runs out (up to 1000)", FIELD(oom_score_adj)},
	{OPTION_HEADING, .help = "Users"},
	{OPTION_TEXT, "user", 'u', "USER[:GROUP]", "run as this user of the image, or these numbers", FIELD(user)},
	{OPTION_LIST, "group-add", 0, "GROUP", "one more group of the image, or its number", FIELD(group_add)},
	{OPTION_TEXT, "userns", 0, "MODE", "which ids exist inside: default, map, single, keep-id[:uid=N,gid=N]",
		FIELD(userns), userns_words},
	{OPTION_LIST, "uidmap", 0, "INSIDE:ID:COUNT", "map user ids one by one; ID 0 is you, 1... your subordinate ids",
		FIELD(uidmap)},
	{OPTION_LIST, "gidmap", 0, "INSIDE:ID:COUNT", "the same for groups", FIELD(gidmap)},
	{OPTION_TEXT, "hostname", 'h', "NAME", "the host name inside (default: --name, or sandbox)", FIELD(hostname)},
	{OPTION_HEADING, .help = "Files"},
	{OPTION_LIST, "volume", 'v', "SOURCE:TARGET[:OPTIONS]", "show a file or folder of yours inside (ro, noexec, ...)",
		FIELD(volume)},
	{OPTION_LIST, "mount", 0, "type=bind|tmpfs,...", "the same and tmpfs in long form", FIELD(mount)},
	{OPTION_LIST, "tmpfs", 0, "TARGET[:OPTIONS]", "an empty folder in memory (size=, mode=, exec)", FIELD(tmpfs)},
	{OPTION_LIST, "device", 0, "SOURCE[:TARGET]", "a device node of the host that you may use", FIELD(device)},
	{OPTION_FLAG, "read-only", 0, NULL, "the root file system cannot be written", FIELD(read_only)},
	{OPTION_CHOICE, "proc", 0, "WHOSE", "a new /proc, or the host's where the kernel refuses a new one: new, host",
		FIELD(proc), proc_words},
	{OPTION_SIZE, "shm-size", 0, "SIZE", "size of /dev/shm (default 64m)", FIELD(shm_size)},
	{OPTION_CHOICE, "overlay", 0, "WHERE", "where what is written goes: auto, tmpfs, disk", FIELD(overlay),
		overlay_words},
	{OPTION_SIZE, "storage-size", 0, "SIZE", "bound what is written (tmpfs; default: 25% of memory, 4g at most)",
		FIELD(storage_size)},
	{OPTION_HEADING, .help = "Network"},
	{OPTION_OPTIONAL, "net", 0, "none|host|pasta[:OPTIONS]", "its network: none, the host's, or outbound (--net alone)",
		FIELD(net), net_words, foreign_net_words},
	{OPTION_ALIAS, "network", .argument = "net", .help = "the same as --net"},
	{OPTION_LIST, "publish", 'p', "[ADDRESS:]PORT:PORT[/udp]", "let a port of this machine lead to one inside",
		FIELD(publish)},
	{OPTION_LIST, "dns", 0, "ADDRESS", "a name server, instead of this machine's", FIELD(dns)},
	{OPTION_LIST, "dns-search", 0, "DOMAIN", "a domain to look names up in, instead of this machine's",
		FIELD(dns_search)},
	{OPTION_LIST, "add-host", 0, "NAME:ADDRESS", "a line in /etc/hosts", FIELD(add_host)},
	{OPTION_FLAG, "no-hosts", 0, NULL, "leave the image's /etc/hosts as it is", FIELD(no_hosts)},
	{OPTION_HEADING, .help = "Limits"},
	LIMIT_OPTIONS(LIMIT),
	{OPTION_TEXT, "cgroup-parent", 0, "GROUP", "a group of yours, or a slice of systemd, for the sandbox's group",
		FIELD(limits.cgroup_parent)},
	{OPTION_CHOICE, "limits", 0, "MODE", "strict, or best-effort: watch what the kernel cannot hold", FIELD(limits.mode),
		limits_words},
	{OPTION_CHOICE, "cgroups", 0, "WHO", "who makes the sandbox's group: auto, systemd, delegated, none",
		FIELD(limits.cgroups), cgroups_words},
	{OPTION_HEADING, .help = "Security"},
	{OPTION_LIST, "ulimit", 0, "NAME=SOFT[:HARD]", "set a resource limit", FIELD(ulimit)},
	{OPTION_LIST, "cap-add", 0, "CAPABILITY", "grant a capability inside (ALL for all)", FIELD(cap_add)},
	{OPTION_LIST, "cap-drop", 0, "CAPABILITY", "take a capability away (ALL for all)", FIELD(cap_drop)},
	{OPTION_LIST, "security-opt", 0, "OPTION", "seccomp=FILE|default|unconfined, no-new-privileges=false, mask=PATH, ...",
		FIELD(security_opt)},
	{OPTION_LIST, "sysctl", 0, "KEY=VALUE", "a kernel setting of its own namespaces (net.*, fs.mqueue.*, ...)",
		FIELD(sysctl)},
	{OPTION_LIST, "require", 0, "NAME[,NAME...]", "start nothing unless these protections are in force", FIELD(require)},
	{OPTION_FLAG, "nesting", 0, NULL, "allow user namespaces and mounts inside; /proc is unmasked", FIELD(nesting)},
	{OPTION_HEADING, .help = "Seeing"},
	{OPTION_LIST, "profile", 0, "NAME", "begin with the options in ~/.config/sandbox/profiles/NAME", OWN(profiles),
		.typed_only = true},
	{OPTION_OPTIONAL, "summary", 0, "FILE", "write a receipt as JSON when it has ended (to standard error)", OWN(summary),
		summary_words},
	{OPTION_FLAG, "dry-run", 0, NULL, "print what would be done, and why, and do nothing", OWN(dry_run),
		.typed_only = true},
	{OPTION_FLAG, "json", 0, NULL, "print it as JSON", OWN(json), .typed_only = true},
	FOREIGN_OPTIONS,
	{OPTION_GIVEN, .offset = FIELD(given)},
	{OPTION_END},
};

/* What the caller has open is not the sandbox's, nor any helper's, unless it was asked for. */
static int close_inherited(const struct sandbox_spec *spec, struct sandbox_error *error)
{
	/* Too many is an error that the plan will find. */
	unsigned int first = 3 + (unsigned int)(spec->preserve_fds < INT_MAX ? spec->preserve_fds : INT_MAX);

	return test_defence_removed("close-inherited") ? 0 : inherited_close(first, spec->status_fd, error);
}

static int run_detached(const struct sandbox_locations *locations, const char *image, const struct sandbox_spec *spec,
	struct sandbox_receipt *receipt, struct sandbox_error *error)
{
	char id[SANDBOX_ID_SIZE];
	int result = sandbox_run_detached(locations, image, spec, &import_progress, receipt, id, error);

	if (result == 0)
		printf("%s\n", id);
	return result;
}

/* The receipt tells of a failure, too; one to write it is the run's, unless that has failed itself. */
static int run_with_receipt(const struct sandbox_locations *locations, const char *image, const struct run_options *options,
	struct sandbox_result *out, struct sandbox_error *error)
{
	auto_finish(sandbox_receipt_finish) struct sandbox_receipt receipt = {0};
	auto_close int fd = receipt_open(options->summary, error);
	struct sandbox_error problem = {0};
	int failure;

	if (fd < 0)
		return fd;
	out->receipt = &receipt;
	failure = sandbox_run(locations, image, &options->spec, &import_progress, out, error);
	if (receipt_print(fd, out, failure < 0 ? error : NULL, &problem) < 0 && failure == 0) {
		*error = problem;
		failure = -EIO;
	}
	out->receipt = NULL;
	return failure;
}

/* In the supervisor, which has let go of all other files of the caller. */
static void print_detached_receipt(void *context, const struct sandbox_result *result, const struct sandbox_error *failure)
{
	(void)receipt_print(*(int *)context, result, failure, NULL);
}

static int run_detached_with_receipt(const struct sandbox_locations *locations, const char *image,
	const struct run_options *options, struct sandbox_error *error)
{
	auto_close int fd = receipt_open(options->summary, error);
	auto_finish(sandbox_receipt_finish) struct sandbox_receipt receipt = {.ended = print_detached_receipt, .context = &fd};
	struct sandbox_result nothing = {.receipt = &receipt};
	int result = fd < 0 ? fd : run_detached(locations, image, &options->spec, &receipt, error);

	/* There is no supervisor to tell of it. */
	if (result < 0 && fd >= 0)
		(void)receipt_print(fd, &nothing, error, NULL);
	return result;
}

/* Standard error belongs to whoever reads it now, and the caller will not be that any more. */
static int refuse_detached_receipt(struct sandbox_error *error)
{
	error_set(error, 0, "--summary with --detach");
	error_cause(error, SANDBOX_E_USAGE, "nobody waits for the end that the receipt is to tell of");
	return error_fix(error, "name a file for it: --summary=FILE");
}

/* Standard input is the command's, unless --interactive is switched off or the image comes by it: that is read to its end. */
static int prepare_input(const struct sandbox_spec *spec, const char *image, struct sandbox_error *error)
{
	const char *origin = strings_variable(&spec->given, "interactive");
	bool is_image = strcmp(image, "-") == 0;

	if (spec->detach || !origin)
		return 0;
	if (!spec->interactive)
		return is_image ? 0 : inherited_drop_input(error);
	/* A file says it for all runs. */
	if (!is_image || !text_starts_with(origin, "--"))
		return 0;
	error_set(error, 0, "--interactive");
	error_cause(error, SANDBOX_E_USAGE, "standard input is the image, and nothing is left of it for the command");
	return error_fix(error, "leave it out, or put the image into a file and name that");
}

static int run_image(const struct cli *cli, const char *image, const struct run_options *options,
	struct sandbox_result *out, struct sandbox_error *error)
{
	const struct sandbox_spec *spec = &options->spec;
	const struct sandbox_locations locations = {cli->store, cli->state, cli->runtime};
	bool nowhere = spec->detach && options->summary && strcmp(options->summary, "-") == 0;
	int result = nowhere ? refuse_detached_receipt(error) : prepare_input(spec, image, error);

	if (result == 0)
		result = close_inherited(spec, error);
	if (result < 0)
		return result;
	if (options->summary && spec->detach)
		return run_detached_with_receipt(&locations, image, options, error);
	if (options->summary)
		return run_with_receipt(&locations, image, options, out, error);
	return spec->detach ? run_detached(&locations, image, spec, NULL, error)
			    : sandbox_run(&locations, image, spec, &import_progress, out, error);
}

/* What a command does with an image and all that was said. */
typedef int run_action(const struct cli *cli, const char *image, const struct run_options *options,
	struct sandbox_result *out, struct sandbox_error *error);

/* Of the options of run those that prepare_create has an error for where they are typed; files may have them, for run. */
static const char *const create_refused[] = {"detach", "rm", "status-fd", "summary", NULL};

static int refuse_created(const char *option, struct sandbox_error *error)
{
	error_set(error, 0, "create %s", option);
	error_cause(error, SANDBOX_E_USAGE, "nothing is started yet, and what is made is kept");
	return error_fix(error, "leave it out, or use `sandbox run`");
}

/* Before the plan is made, which is to tell what sandbox_create would do. */
static int prepare_create(struct run_options *options, struct sandbox_error *error)
{
	struct sandbox_spec *spec = &options->spec;
	const char *option = spec->detach ? "--detach" : spec->rm ? "--rm" : options->summary ? "--summary"
		: spec->status_fd ? "--status-fd" : NULL;

	if (option)
		return refuse_created(option, error);
	spec->keep = spec->detach = true;
	return 0;
}

static int create_sandbox(const struct cli *cli, const char *image, const struct run_options *options,
	struct sandbox_result *out, struct sandbox_error *error)
{
	const struct sandbox_locations locations = {cli->store, cli->state, cli->runtime};
	const struct sandbox_spec *spec = &options->spec;
	char id[SANDBOX_ID_SIZE];
	int result = close_inherited(spec, error);

	(void)out;
	if (result == 0)
		result = sandbox_create(&locations, image, spec, &import_progress, id, error);
	if (result == 0)
		printf("%s\n", id);
	return result;
}

static int print_plan(const struct cli *cli, const char *image, const struct run_options *options,
	struct sandbox_error *error)
{
	const struct sandbox_locations locations = {cli->store, cli->state, cli->runtime};
	auto_finish(sandbox_plan_report_finish) struct sandbox_plan_report report = {0};
	int result = sandbox_plan(&locations, image, &options->spec, &report, error);

	if (result == 0 && options->json)
		plan_print_json(&report);
	else if (result == 0)
		plan_print_text(&report);
	return result;
}

/* What follows IMAGE is the command; a "--" before it is allowed. */
static void take_command(struct sandbox_spec *spec, int argc, char **argv, int first)
{
	for (int i = first; i < argc; i++)
		if (i > first || strcmp(argv[i], "--") != 0)
			sandbox_strings_add(&spec->command, argv[i]);
}

void run_options_finish(struct run_options *options)
{
	sandbox_spec_finish(&options->spec);
	sandbox_strings_finish(&options->profiles);
	free(options->summary);
}

static int apply_profiles(const struct cli *cli, const struct command *command, const struct sandbox_strings *names,
	struct run_options *out, struct sandbox_error *error)
{
	const struct option_entry *const tables[] = {run_table, NULL};
	int result = 0;

	for (size_t i = 0; i < names->count && result == 0; i++) {
		auto_finish(config_finish) struct config_file profile = {0};

		result = config_read_profile(cli->profile_directory, names->items[i], &profile, error);
		if (result == 0)
			result = config_check(&profile, tables, error);
		if (result == 0)
			result = config_apply(&profile, run_table, command->refused, out, error);
	}
	return result;
}

/*
 * Defaults, the configuration, profiles, and what is typed, each over the one before. A command line is read twice,
 * since it says which profiles it stands on.
 */
int run_options_read(const struct cli *cli, const struct command *command, int argc, char **argv, struct run_options *out,
	const char **out_image, bool *out_done, struct sandbox_error *error)
{
	auto_finish(run_options_finish) struct run_options typed = {.dry_run = false};
	int operands, result = command_parse(command, &typed, argc, argv, 1, -1, &operands, out_done, error);

	if (result < 0 || *out_done)
		return result;
	sandbox_spec_init(&out->spec);
	result = config_apply(&cli->config, run_table, command->refused, out, error);
	if (result == 0)
		result = apply_profiles(cli, command, &cli->profiles, out, error);
	if (result == 0)
		result = apply_profiles(cli, command, &typed.profiles, out, error);
	if (result == 0)
		result = options_parse(run_table, out, argc, argv, &operands, error);
	if (result < 0)
		return result;
	*out_image = argv[operands];
	take_command(&out->spec, argc, argv, operands + 1);
	if (!out->spec.tty && strings_variable(&out->spec.given, "tty"))
		out->spec.no_tty = true;
	out->spec.limits.counting = out->summary != NULL;
	out->spec.holder = cli->holder;
	out->spec.import_limits = cli->import_limits;
	return 0;
}

/* A mistake in the value of an option that was not typed here is looked for in the wrong place. */
static void name_origin(const struct sandbox_spec *spec, struct sandbox_error *error)
{
	auto_free char *option = NULL;
	const char *origin;

	if (!text_starts_with(error->text, "--"))
		return;
	option = memory_text_n(error->text + 2, strcspn(error->text + 2, " :="));
	origin = strings_variable(&spec->given, option);
	if (origin && !text_starts_with(origin, "--"))
		(void)error_wrap(error, "%s", origin);
}

static int refuse_json(struct sandbox_error *error)
{
	error_set(error, 0, "--json");
	error_cause(error, SANDBOX_E_USAGE, "it is a form of the plan, and no plan was asked for");
	return error_fix(error, "add --dry-run; what the command did is told by --summary");
}

/* What `act` does is done with what the command line says, unless the plan alone is asked for. */
static int run_with(const struct cli *cli, const struct command *command, run_action *act, int argc, char **argv)
{
	auto_finish(run_options_finish) struct run_options options = {.dry_run = false};
	struct sandbox_result result = {.cause = SANDBOX_CAUSE_EXIT};
	struct sandbox_error error = {0};
	const char *image;
	int failure;
	bool done;

	if (run_options_read(cli, command, argc, argv, &options, &image, &done, &error) < 0)
		return output_error(&error);
	if (done)
		return 0;
	failure = command == &command_create ? prepare_create(&options, &error) : 0;
	if (failure == 0)
		failure = options.dry_run ? print_plan(cli, image, &options, &error)
				: options.json ? refuse_json(&error)
				: act(cli, image, &options, &result, &error);
	if (failure < 0) {
		name_origin(&options.spec, &error);
		return output_error(&error);
	}
	return sandbox_result_exit_status(&result);
}

static int run_run(const struct cli *cli, int argc, char **argv)
{
	return run_with(cli, &command_run, run_image, argc, argv);
}

static int run_create(const struct cli *cli, int argc, char **argv)
{
	return run_with(cli, &command_create, create_sandbox, argc, argv);
}

const struct command command_create = {
	.name = "create",
	.operands = "IMAGE [--] [COMMAND [ARG...]]",
	.summary = "make a kept sandbox, with the options of run, to be started later",
	.example = "sandbox create --name box debian.tar sleep infinity",
	.options = run_table,
	.refused = create_refused,
	.run = run_create,
};

const struct command command_run = {
	.name = "run",
	.operands = "IMAGE [--] [COMMAND [ARG...]]",
	.summary = "run a command in a fresh sandbox on an image",
	.example = "sandbox run debian.tar bash",
	.options = run_table,
	.run = run_run,
};
