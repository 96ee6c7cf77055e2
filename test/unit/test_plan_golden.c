/*
 * Plans as they are printed: command lines on machines that are made up, against the files in test/unit/plans. Some are
 * there as --json prints them; of the others only the rows that differ from those of the defaults, so that a new
 * default is a change in few places. After a change that is meant, `SANDBOX_UPDATE_PLANS=1
 * build/unit/test_plan_golden` writes them again; git diff then shows what a user would see differently.
 */
#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/file.h"
#include "base/json.h"
#include "base/log.h"
#include "base/memory.h"
#include "base/scope.h"
#include "cli/plan_print.h"
#include "cli/run_options.h"
#include "runtime/plan.h"
#include "runtime/plan_report.h"

enum { WORDS_MAX = 40, GOLDEN_MAX = 1 << 20 };

static struct id_range range_of_alice = {100000, 65536}, ids_of_container = {1, 65535},
		       taken_ranges[] = {{524288, 65536}, {600000, 10}};

/* An ordinary user of a machine that has all. */
static struct host ordinary(void)
{
	return (struct host){
		.user = {.uid = 1000, .gid = 1000, .name = (char *)"alice"},
		.subuids = {&range_of_alice, 1},
		.subgids = {&range_of_alice, 1},
		.newidmap_installed = true,
		.tmpfs_holds_attributes = true,
		.memory = UINT64_C(8) << 30,
		.network = {.pasta = "/usr/bin/pasta", .resolver = (char *)"nameserver 192.0.2.53\n",
			.hosts = (char *)"127.0.0.1 localhost\n"},
	};
}

static struct host without_ids(void)
{
	struct host host = ordinary();

	host.subuids.count = 0;
	return host;
}

/* Linux 5.15, say: a tmpfs cannot hold a writable layer. */
static struct host old_kernel(void)
{
	struct host host = ordinary();

	host.tmpfs_holds_attributes = false;
	return host;
}

static struct host root_of_the_machine(void)
{
	struct host host = ordinary();

	host.user = (struct host_user){.uid = 0, .gid = 0, .name = (char *)"root"};
	host.subuids.count = host.subgids.count = 0;
	host.taken = (struct id_ranges){taken_ranges, 2};
	return host;
}

/* Root of a container, whose /proc/sys cannot be written. */
static struct host root_of_a_container(void)
{
	struct host host = root_of_the_machine();

	host.nested_root = host.proc_sys_is_read_only = true;
	host.subuids = host.subgids = (struct id_ranges){&ids_of_container, 1};
	host.memory = 256 << 20;
	return host;
}

static char *server_env[] = {(char *)"PATH=/srv/bin:/bin", (char *)"PORT=80"}, *server_start[] = {(char *)"/srv/start"},
	    *server_arguments[] = {(char *)"--port", (char *)"80"};

static const struct image_config silent, server = {
	.env = {server_env, 2}, .entrypoint = {server_start, 1}, .command = {server_arguments, 2}, .user = (char *)"www",
	.workdir = (char *)"/srv",
};

struct line {
	const char *name;
	struct host (*host)(void);
	const char *words; /* after "sandbox run"; they end at blanks */
	bool whole;
};

static const struct line lines[] = {
	{"defaults", ordinary, "debian.tar", true},
	{"command", ordinary, "debian.tar -- make -j4 all"},
	{"no-ids", without_ids, "debian.tar id"},
	{"old-kernel", old_kernel, "debian.tar id"},
	{"machine-root", root_of_the_machine, "debian.tar id"},
	{"container-root", root_of_a_container, "debian.tar id"},
	{"container-proc", root_of_a_container, "--proc=host debian.tar id"},
	{"proc-host", ordinary, "--proc=host debian.tar id"},
	{"single", ordinary, "--userns=single debian.tar id"},
	{"keep-id", ordinary, "--userns=keep-id debian.tar id"},
	{"keep-id-numbers", ordinary, "--userns=keep-id:uid=33,gid=44 -u 0 debian.tar id"},
	{"uidmap", ordinary, "--uidmap 0:0:1 --uidmap 1:1:999 --gidmap 0:0:1000 debian.tar id"},
	{"user", ordinary, "-u nobody:games --group-add 77 --umask 077 debian.tar id"},
	{"names", ordinary, "--name box --hostname host debian.tar id"},
	{"environment", ordinary, "-e A=1 --env B=two=2 -e A=3 --unsetenv HOSTNAME -w /work/dir debian.tar env"},
	{"volumes", ordinary, "-v /etc:/b/c:ro -v /usr:/a --mount type=bind,src=/dev,dst=/b --tmpfs /a/t:size=1m debian.tar",
		true},
	{"read-only", ordinary, "--read-only --shm-size 1m --tmpfs /tmp:exec --device /dev/null:/dev/nought debian.tar"},
	{"disk", ordinary, "--overlay disk debian.tar"},
	{"storage", ordinary, "--storage-size 100m debian.tar"},
	{"capabilities", ordinary, "--cap-drop ALL --cap-add NET_ADMIN --cap-add CAP_CHOWN debian.tar"},
	{"unconfined", ordinary, "--security-opt seccomp=unconfined --security-opt no-new-privileges=false debian.tar"},
	{"masks", ordinary, "--security-opt mask=/etc/hidden --security-opt unmask=/proc/keys:/sys/firmware debian.tar"},
	{"nesting", ordinary, "--nesting --sysctl net.ipv4.ip_forward=1 debian.tar"},
	{"life", ordinary, "--timeout 1m30s --init=false --oom-score-adj 500 --ulimit core=0 debian.tar sleep 60"},
	{"network", ordinary, "--net -p 8080:80 --dns 192.0.2.1 debian.tar"},
	{"host-network", ordinary, "--net=host debian.tar"},
	{"image", ordinary, "server.tar"},
	{"image-overruled", ordinary, "-u 0 -w / -e PORT=8080 server.tar -v"},
};

static int read_line(const char *line, struct run_options *out, const char **out_image, char words[], char *argv[],
	struct sandbox_error *error)
{
	static const struct cli nothing;
	char *rest = strcpy(words, line);
	int count = 1;
	bool done;

	argv[0] = (char *)"run";
	while (count < WORDS_MAX && (argv[count] = strsep(&rest, " ")))
		count++;
	return run_options_read(&nothing, &command_run, count, argv, out, out_image, &done, error);
}

/* How many calls there are is libseccomp's affair, and on which processors this machine's. */
static void make_portable(struct sandbox_plan_report *report)
{
	for (size_t i = 0; i < report->count; i++) {
		char *value = report->rows[i].value;

		if (strcmp(report->rows[i].name, "seccomp") != 0)
			continue;
		value[strcspn(value, ";")] = '\0';
		for (char *byte = value; *byte; byte++)
			if (*byte >= '0' && *byte <= '9')
				*byte = '#';
	}
}

static int decide(const char *line, const struct host *host, struct sandbox_plan_report *out, struct sandbox_error *error)
{
	auto_finish(run_options_finish) struct run_options options = {.dry_run = false};
	auto_finish(plan_finish) struct plan plan = {.layers = -1};
	struct userns_request request;
	char words[400], *argv[WORDS_MAX + 1];
	struct idmap idmap;
	const char *image;
	int result = read_line(line, &options, &image, words, argv, error);

	if (result == 0)
		result = userns_request_read(options.spec.userns, &options.spec.uidmap, &options.spec.gidmap, &request, error);
	if (result == 0)
		result = plan_decide_idmap(&request, host, &idmap, error);
	if (result == 0)
		result = plan_build(&options.spec, host, &idmap, &plan, error);
	if (result < 0)
		return result;
	plan_apply_image(&plan, &options.spec, strstr(image, "server") ? &server : &silent);
	plan_report(&plan, &options.spec, image, "sha256:0123456789abcdef", out);
	return 0;
}

/* A standard descriptor that is a terminal would be part of the plan. */
static void leave_terminals(int saved[3])
{
	int null = open("/dev/null", O_RDWR | O_CLOEXEC);

	assert_true(null >= 0);
	for (int fd = 0; fd < 3; fd++) {
		saved[fd] = fcntl(fd, F_DUPFD_CLOEXEC, 10);
		assert_int_equal(dup2(null, fd), fd);
	}
	(void)close(null);
}

static void restore_terminals(const int saved[3])
{
	for (int fd = 0; fd < 3; fd++) {
		(void)dup2(saved[fd], fd);
		(void)close(saved[fd]);
	}
}

static void plan_of(const struct line *line, struct sandbox_plan_report *out)
{
	struct sandbox_error error = {0};
	struct host host = line->host();
	int saved[3], result;

	leave_terminals(saved);
	result = decide(line->words, &host, out, &error);
	restore_terminals(saved);
	if (result < 0)
		fail_msg("%s: %s", line->name, error.text);
	make_portable(out);
}

static char *as_json(const struct sandbox_plan_report *report)
{
	struct json_object *root = plan_describe(report);
	char *text = json_text(root);

	json_free(&root);
	return text;
}

static bool has_row(const struct sandbox_plan_report *report, const struct sandbox_plan_row *row)
{
	for (size_t i = 0; i < report->count; i++)
		if (strcmp(report->rows[i].section, row->section) == 0 && strcmp(report->rows[i].name, row->name) == 0 &&
		    strcmp(report->rows[i].value, row->value) == 0 && strcmp(report->rows[i].why, row->why) == 0)
			return true;
	return false;
}

/* A line for each row of the one that the other has not. */
static void append_missing(char **text, char sign, const struct sandbox_plan_report *of,
	const struct sandbox_plan_report *in)
{
	for (size_t i = 0; i < of->count; i++) {
		const struct sandbox_plan_row *row = &of->rows[i];

		if (!has_row(in, row))
			memory_append(text, "%c %s | %s | %s | %s\n", sign, row->section, row->name, row->value, row->why);
	}
}

static char *as_difference(const struct sandbox_plan_report *defaults, const struct sandbox_plan_report *report)
{
	char *text = memory_text("");

	append_missing(&text, '-', defaults, report);
	append_missing(&text, '+', report, defaults);
	return text;
}

static void compare(const struct line *line, const char *text)
{
	auto_free char *path = memory_format("test/unit/plans/%s.%s", line->name, line->whole ? "json" : "txt");
	auto_free char *golden = NULL;

	if (getenv("SANDBOX_UPDATE_PLANS")) {
		assert_int_equal(file_replace(AT_FDCWD, path, text, strlen(text), 0644, NULL), 0);
		return;
	}
	if (file_read(AT_FDCWD, path, GOLDEN_MAX, &golden, NULL, NULL) < 0)
		fail_msg("%s is missing; the plan is now:\n%s", path, text);
	if (strcmp(golden, text) != 0)
		fail_msg("%s differs (if it is meant: SANDBOX_UPDATE_PLANS=1 build/unit/test_plan_golden):\n%s", path, text);
}

static void plans_are_what_they_were(void **state)
{
	auto_finish(sandbox_plan_report_finish) struct sandbox_plan_report defaults = {0};

	(void)state;
	log_set_level(LOG_LEVEL_QUIET);
	plan_of(&lines[0], &defaults);
	for (size_t i = 0; i < array_count(lines); i++) {
		auto_finish(sandbox_plan_report_finish) struct sandbox_plan_report report = {0};
		auto_free char *text = NULL;

		plan_of(&lines[i], &report);
		text = lines[i].whole ? as_json(&report) : as_difference(&defaults, &report);
		compare(&lines[i], text);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(plans_are_what_they_were),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
