#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/memory.h"
#include "base/scope.h"
#include "base/tree.h"
#include "cgroup/cgroup.h"
#include "cgroup/counters.h"
#include "cgroup/group.h"

/* ---- limits ---- */

static void options_become_files(void **state)
{
	struct sandbox_limits wanted = {.memory = (char *)"64m", .memory_swap = (char *)"96m", .cpus = (char *)"1.5",
		.cpu_shares = (char *)"1024", .cpuset_cpus = (char *)"0-3,8", .pids_limit = (char *)"100",
		.io_weight = (char *)"50"};
	static const struct {
		const char *option, *file, *value;
	} rows[] = {
		{"memory", "memory.max", "67108864"},
		{"cpus", "cpu.max", "150000 100000"},
		{"cpu-shares", "cpu.weight", "39"},
		{"cpuset-cpus", "cpuset.cpus", "0-3,8"},
		{"pids-limit", "pids.max", "100"},
		{"io-weight", "io.weight", "default 50"},
		{"memory-swap", "memory.swap.max", "33554432"},
	};
	auto_finish(cgroup_limits_finish) struct cgroup_limits limits = {0};

	(void)state;
	assert_int_equal(cgroup_limits_decide(&wanted, &limits, NULL), 0);
	assert_int_equal(limits.count, array_count(rows));
	for (size_t i = 0; i < limits.count; i++) {
		assert_string_equal(limits.items[i].option, rows[i].option);
		assert_string_equal(limits.items[i].file, rows[i].file);
		assert_string_equal(limits.items[i].value, rows[i].value);
	}
	assert_int_equal(cgroup_limits_controllers(&limits), CGROUP_ALL_CONTROLLERS);
}

static void memory_brings_as_much_swap(void **state)
{
	struct sandbox_limits wanted = {.memory = (char *)"64m"};
	auto_finish(cgroup_limits_finish) struct cgroup_limits limits = {0};
	const struct cgroup_limit *swap;

	(void)state;
	assert_int_equal(cgroup_limits_decide(&wanted, &limits, NULL), 0);
	swap = cgroup_limits_find(&limits, "memory-swap");
	assert_non_null(swap);
	assert_true(swap->implied);
	assert_string_equal(swap->value, "67108864");
}

static void mistakes_are_named(void **state)
{
	static const struct sandbox_limits rows[] = {
		{.memory = (char *)"5m"}, {.memory = (char *)"-1"}, {.memory = (char *)"9e"}, {.memory = (char *)"9000000t"},
		{.memory_swap = (char *)"1g"}, {.memory = (char *)"1g", .memory_swap = (char *)"512m"},
		{.cpus = (char *)"0"}, {.cpus = (char *)"0.001"}, {.cpus = (char *)"1s"}, {.cpus = (char *)""},
		{.cpus = (char *)"-1"},
		{.cpu_weight = (char *)"0"}, {.cpu_weight = (char *)"10001"}, {.cpu_shares = (char *)"1"},
		{.cpu_weight = (char *)"1", .cpu_shares = (char *)"2"}, {.cpuset_cpus = (char *)"3-1"},
		{.cpuset_cpus = (char *)""}, {.cpuset_cpus = (char *)"1,"}, {.cpuset_mems = (char *)"8192"},
		{.pids_limit = (char *)"0"}, {.pids_limit = (char *)"-1"}, {.pids_limit = (char *)"1"},
		{.io_weight = (char *)"0"},
	};

	(void)state;
	for (size_t i = 0; i < array_count(rows); i++) {
		auto_finish(cgroup_limits_finish) struct cgroup_limits limits = {0};
		struct sandbox_error error = {0};

		assert_int_equal(cgroup_limits_decide(&rows[i], &limits, &error), -EINVAL);
		assert_int_equal(error.id, SANDBOX_E_USAGE);
		assert_non_null(strstr(error.text, "--"));
	}
}

static void devices_are_found_or_refused(void **state)
{
	char *null_device[] = {(char *)"/proc:1m", NULL}, *no_rate[] = {(char *)"/tmp", NULL};
	struct sandbox_limits wanted = {.device_read_bps = {null_device, 1}};
	auto_finish(cgroup_limits_finish) struct cgroup_limits limits = {0};
	struct sandbox_error error = {0};

	(void)state;
	assert_int_equal(cgroup_limits_decide(&wanted, &limits, &error), -ENOTBLK);
	assert_int_equal(error.id, SANDBOX_E_LIMIT_UNAVAILABLE);
	wanted.device_read_bps.items = no_rate;
	assert_int_equal(cgroup_limits_decide(&wanted, &limits, &error), -EINVAL);
	assert_int_equal(error.id, SANDBOX_E_USAGE);
}

/* ---- where we are ---- */

static void the_own_group_is_found(void **state)
{
	static const struct {
		const char *root, *point, *cgroup, *own;
	} rows[] = {
		{"/", "/sys/fs/cgroup", "0::/a/b\n", "/sys/fs/cgroup/a/b"},
		{"/", "/sys/fs/cgroup", "4:memory:/x\n1:name=systemd:/y\n0::/\n", "/sys/fs/cgroup"},
		{"/a", "/sys/fs/cgroup", "0::/a/b\n", "/sys/fs/cgroup/b"},
		{"/a", "/sys/fs/cgroup", "0::/ab\n", NULL},
		{"/", "/with\\040blank", "0::/a\n", "/with blank/a"},
		{"/", "/sys/fs/cgroup", "0::/../outside\n", NULL},
		{"/", "/sys/fs/cgroup", "4:memory:/x\n", NULL},
	};

	(void)state;
	for (size_t i = 0; i < array_count(rows); i++) {
		auto_finish(cgroup_hierarchy_finish) struct cgroup_hierarchy hierarchy = {0};
		auto_free char *mountinfo = memory_format("22 1 8:1 / / rw - ext4 /dev/sda1 rw\n"
			"30 22 0:27 %s %s rw,nosuid shared:4 - cgroup2 cgroup2 rw,nsdelegate\n", rows[i].root, rows[i].point);

		cgroup_hierarchy_parse(mountinfo, rows[i].cgroup, &hierarchy);
		if (rows[i].own)
			assert_string_equal(hierarchy.own, rows[i].own);
		else
			assert_null(hierarchy.own);
	}
}

static void legacy_controllers_are_known(void **state)
{
	auto_finish(cgroup_hierarchy_finish) struct cgroup_hierarchy hierarchy = {0};

	(void)state;
	cgroup_hierarchy_parse("", "8:pids:/\n4:memory:/x\n2:cpu,cpuacct:/\n0::/\n", &hierarchy);
	assert_null(hierarchy.mount);
	assert_int_equal(hierarchy.legacy, 1 << CGROUP_PIDS | 1 << CGROUP_MEMORY | 1 << CGROUP_CPU);
}

/* ---- choosing, on a made-up hierarchy ---- */

static void make_group(const char *path, const char *controllers)
{
	static const char *const files[] = {"cgroup.procs", "cgroup.subtree_control", "cgroup.controllers"};

	assert_int_equal(mkdir(path, 0755), 0);
	for (size_t i = 0; i < array_count(files); i++) {
		auto_free char *name = memory_format("%s/%s", path, files[i]);
		auto_fclose FILE *file = fopen(name, "w");

		assert_non_null(file);
		(void)fprintf(file, "%s\n", i == 2 ? controllers : "");
	}
}

/* ROOT has everything, ROOT/own has memory and pids. */
static int make_hierarchy(void **state)
{
	char folder[] = "/tmp/sandbox-test-XXXXXX";
	struct cgroup_hierarchy *hierarchy = memory_zeroed(1, sizeof(*hierarchy));

	assert_non_null(mkdtemp(folder));
	hierarchy->mount = memory_format("%s/root", folder);
	hierarchy->own = memory_format("%s/root/own", folder);
	hierarchy->controllers = CGROUP_ALL_CONTROLLERS;
	make_group(hierarchy->mount, "cpuset cpu io memory pids");
	make_group(hierarchy->own, "memory pids");
	*state = hierarchy;
	return 0;
}

static int remove_hierarchy(void **state)
{
	struct cgroup_hierarchy *hierarchy = *state;
	char *end = strrchr(hierarchy->mount, '/');

	*end = '\0';
	(void)tree_remove(AT_FDCWD, hierarchy->mount, NULL);
	cgroup_hierarchy_finish(hierarchy);
	free(hierarchy);
	return 0;
}

static int decide(const struct cgroup_hierarchy *hierarchy, const struct sandbox_limits *wanted, struct cgroup_plan *out,
	struct sandbox_error *error)
{
	int result = cgroup_limits_decide(wanted, &out->limits, error);

	return result < 0 ? result : cgroup_plan_decide_in(hierarchy, wanted, out, error);
}

static void a_named_parent_holds_what_it_has(void **state)
{
	const struct cgroup_hierarchy *hierarchy = *state;
	struct sandbox_limits wanted = {.memory = (char *)"64m", .cgroup_parent = hierarchy->own};
	auto_finish(cgroup_plan_finish) struct cgroup_plan plan = {0}, refused = {0};
	struct sandbox_error error = {0};

	assert_int_equal(decide(hierarchy, &wanted, &plan, &error), 0);
	assert_ptr_equal(plan.manager, &cgroup_delegated);
	assert_string_equal(plan.parent, hierarchy->own);
	assert_int_equal(plan.controllers, 1 << CGROUP_MEMORY);
	wanted.io_weight = (char *)"50";
	assert_int_equal(decide(hierarchy, &wanted, &refused, &error), -EOPNOTSUPP);
	assert_int_equal(error.id, SANDBOX_E_CGROUP_CONTROLLER);
	assert_non_null(strstr(error.text, "--io-weight"));
	assert_non_null(strstr(error.text, "controller io"));
	/* Who withholds it: the parent, which has it. */
	assert_non_null(strstr(error.cause, hierarchy->mount));
	assert_null(strstr(error.cause, hierarchy->own));
}

static void what_cannot_be_held_is_watched_on_request_only(void **state)
{
	const struct cgroup_hierarchy *hierarchy = *state;
	struct sandbox_limits wanted = {.memory = (char *)"64m", .pids_limit = (char *)"9", .cgroups = SANDBOX_CGROUPS_NONE};
	auto_finish(cgroup_plan_finish) struct cgroup_plan strict = {0}, watched = {0}, refused = {0};
	struct sandbox_error error = {0};

	assert_int_equal(decide(hierarchy, &wanted, &strict, &error), -EOPNOTSUPP);
	assert_int_equal(error.id, SANDBOX_E_CGROUP_MISSING);
	wanted.mode = SANDBOX_LIMITS_BEST_EFFORT;
	assert_int_equal(decide(hierarchy, &wanted, &watched, &error), 0);
	assert_null(watched.manager);
	assert_int_equal(cgroup_limits_find(&watched.limits, "memory")->hold, CGROUP_HOLD_SAMPLED);
	assert_int_equal(cgroup_limits_find(&watched.limits, "pids-limit")->hold, CGROUP_HOLD_SAMPLED);
	assert_int_equal(watched.controllers, 0);
	wanted.cpus = (char *)"1";
	assert_int_equal(decide(hierarchy, &wanted, &refused, &error), -EOPNOTSUPP);
	assert_int_equal(error.id, SANDBOX_E_LIMIT_UNAVAILABLE);
}

static void a_group_of_somebody_else_is_refused(void **state)
{
	const struct cgroup_hierarchy *hierarchy = *state;
	struct sandbox_limits wanted = {.memory = (char *)"64m", .cgroup_parent = (char *)"/nowhere"};
	auto_finish(cgroup_plan_finish) struct cgroup_plan plan = {0};
	struct sandbox_error error = {0};

	assert_int_equal(decide(hierarchy, &wanted, &plan, &error), -EOPNOTSUPP);
	assert_int_equal(error.id, SANDBOX_E_CGROUP_MISSING);
	assert_non_null(strstr(error.cause, "/nowhere"));
}

/* ---- removing ---- */

/* Folders will do: rmdir(2) is all that there is. */
static void groups_go_whatever_their_names_are(void **state)
{
	char folder[] = "/tmp/sandbox-groups-XXXXXX";
	auto_free char *hidden = NULL, *below = NULL;

	(void)state;
	assert_non_null(mkdtemp(folder));
	hidden = memory_format("%s/.hidden", folder);
	below = memory_format("%s/...", hidden);
	assert_int_equal(mkdir(hidden, 0755), 0);
	assert_int_equal(mkdir(below, 0755), 0);
	assert_int_equal(cgroup_tree_remove(AT_FDCWD, folder, NULL), 0);
	assert_int_equal(access(folder, F_OK), -1);
}

/* ---- counters ---- */

static void counters_are_read(void **state)
{
	static const struct {
		const char *text, *key;
		uint64_t value;
	} rows[] = {
		{"12345\n", NULL, 12345},
		{"low 0\nhigh 0\nmax 7\noom 1\noom_kill 2\noom_group_kill 1\n", "oom_kill", 2},
		{"low 0\nhigh 0\nmax 7\noom 1\n", "max", 7},
		{"usage_usec 10\nuser_usec 4\nsystem_usec 6\n", "user_usec", 4},
		{"8:0 rbytes=1 wbytes=2 rios=3 wios=4 dbytes=0\n8:16 rbytes=10 wbytes=20 rios=30 wios=40\n", "wbytes", 22},
		{"", "wbytes", 0},
		{"some avg10=0.00 avg60=0.00 avg300=0.00 total=77\nfull avg10=0.00 total=5\n", "some total", 77},
	};
	uint64_t value;

	(void)state;
	for (size_t i = 0; i < array_count(rows); i++) {
		assert_true(cgroup_counter_parse(rows[i].text, rows[i].key, &value));
		assert_int_equal(value, rows[i].value);
	}
	assert_false(cgroup_counter_parse("max\n", NULL, &value));
	assert_false(cgroup_counter_parse("low 0\n", "max", &value));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(options_become_files),
		cmocka_unit_test(memory_brings_as_much_swap),
		cmocka_unit_test(mistakes_are_named),
		cmocka_unit_test(devices_are_found_or_refused),
		cmocka_unit_test(the_own_group_is_found),
		cmocka_unit_test(legacy_controllers_are_known),
		cmocka_unit_test_setup_teardown(a_named_parent_holds_what_it_has, make_hierarchy, remove_hierarchy),
		cmocka_unit_test_setup_teardown(what_cannot_be_held_is_watched_on_request_only, make_hierarchy, remove_hierarchy),
		cmocka_unit_test_setup_teardown(a_group_of_somebody_else_is_refused, make_hierarchy, remove_hierarchy),
		cmocka_unit_test(groups_go_whatever_their_names_are),
		cmocka_unit_test(counters_are_read),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
