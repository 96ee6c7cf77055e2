#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <stdio.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/wait.h>

#include "base/fd.h"
#include "base/memory.h"
#include "base/scope.h"
#include "process/user.h"

static const char passwd_text[] = "# people\n"
				  "root:x:0:0:root:/root:/bin/bash\n"
				  "daemon:x:1:1:daemon:/usr/sbin:/usr/sbin/nologin\n"
				  "1000:x:0:0:a number for a name:/:/bin/sh\n"
				  "\n"
				  "short:x:5\n"
				  "long:x:5:5:::/bin/sh:more\n"
				  "hex:x:0x5:5::/:/bin/sh\n"
				  "plus:x:+5:5::/:/bin/sh\n"
				  "space:x: 5:5::/:/bin/sh\n"
				  "minus:x:-1:5::/:/bin/sh\n"
				  "huge:x:4294967295:5::/:/bin/sh\n"
				  "wrap:x:4294967296:0::/:/bin/sh\n"
				  "empty:x::5::/:/bin/sh\n"
				  ":x:6:6:no name:/:/bin/sh\n"
				  "+nis:x:7:7::/:/bin/sh\n"
				  "app:x:1000:1001:an application:/srv/app:/bin/zsh\n"
				  "app:x:0:0:a second one:/root:/bin/sh\n"
				  "twin:x:1000:5:::\n"
				  "relative:x:20:20::home/relative:bin/sh\n"
				  "far:x:70000:20::/:/bin/sh\n"
				  "farther:x:20:70000::/:/bin/sh\n"
				  "last:x:21:22::/last:/bin/last";

static const char group_text[] = "root:x:0:\n"
				 "adm:x:4:daemon,app\n"
				 "wheel:x:10:root,app\n"
				 "wheel2:x:10:app\n"
				 "far:x:70000:app\n"
				 "almost:x:11:application,ap\n"
				 "broken:x:x:app\n"
				 "app:x:1001:\n"
				 "1000:x:0:\n";

static char root_path[] = "/tmp/test-user-XXXXXX";
static int root = -1;
static struct idmap map;

static void put(const char *path, const void *data, size_t size)
{
	auto_close int fd = openat(root, path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);

	assert_true(fd >= 0);
	assert_int_equal(fd_write_all(fd, data, size), 0);
}

static int set_up(void **state)
{
	(void)state;
	assert_non_null(mkdtemp(root_path));
	root = open(root_path, O_DIRECTORY | O_PATH | O_CLOEXEC);
	assert_true(root >= 0);
	assert_int_equal(mkdirat(root, "etc", 0755), 0);
	map = (struct idmap){0};
	map.users = map.groups = (struct id_extents){.items = {{0, 1000, 1}, {1, 100000, 65535}}, .count = 2};
	return 0;
}

static int tear_down(void **state)
{
	auto_free char *command = memory_format("rm -rf %s", root_path);

	(void)state;
	(void)close(root);
	return system(command);
}

/* The two files are as above before each test. */
static int write_files(void **state)
{
	(void)state;
	(void)unlinkat(root, "etc/passwd", 0);
	(void)unlinkat(root, "etc/group", 0);
	put("etc/passwd", passwd_text, sizeof(passwd_text) - 1);
	put("etc/group", group_text, sizeof(group_text) - 1);
	return 0;
}

static void requests_are_resolved(void **state)
{
	static const struct {
		const char *request;
		uid_t uid;
		gid_t gid;
		const char *groups, *name, *home, *shell;
	} rows[] = {
		{NULL, 0, 0, "10", "root", "/root", "/bin/bash"},
		{"", 0, 0, "10", "root", "/root", "/bin/bash"},
		{"0", 0, 0, "10", "root", "/root", "/bin/bash"},
		{"root", 0, 0, "10", "root", "/root", "/bin/bash"},
		{":app", 0, 1001, "", "root", "/root", "/bin/bash"},
		{"daemon", 1, 1, "4", "daemon", "/usr/sbin", "/usr/sbin/nologin"},
		{"app", 1000, 1001, "4 10", "app", "/srv/app", "/bin/zsh"},
		{"1000", 1000, 1001, "4 10", "app", "/srv/app", "/bin/zsh"},
		{"app:wheel", 1000, 10, "", "app", "/srv/app", "/bin/zsh"},
		{"app:7", 1000, 7, "", "app", "/srv/app", "/bin/zsh"},
		{"app:1000", 1000, 1000, "", "app", "/srv/app", "/bin/zsh"},
		{"app:", 1000, 1001, "4 10", "app", "/srv/app", "/bin/zsh"},
		{"1234", 1234, 0, "", NULL, "/", "/bin/sh"},
		{"01234", 1234, 0, "", NULL, "/", "/bin/sh"},
		{"1234:5678", 1234, 5678, "", NULL, "/", "/bin/sh"},
		{"65535", 65535, 0, "", NULL, "/", "/bin/sh"},
		{"twin", 1000, 5, "", "twin", "/", "/bin/sh"},
		{"relative", 20, 20, "", "relative", "/", "/bin/sh"},
		{"last", 21, 22, "", "last", "/last", "/bin/last"},
	};

	(void)state;
	for (size_t i = 0; i < array_count(rows); i++) {
		auto_finish(user_finish) struct user_identity user = {0};
		struct sandbox_error error = {0};
		char groups[64] = "";

		if (user_resolve(root, rows[i].request, &map, &user, &error) != 0)
			fail_msg("%s: %s", rows[i].request, error.text);
		for (size_t j = 0; j < user.group_count; j++)
			(void)snprintf(groups + strlen(groups), sizeof(groups) - strlen(groups), "%s%u",
				j ? " " : "", user.groups[j]);
		assert_int_equal(user.uid, rows[i].uid);
		assert_int_equal(user.gid, rows[i].gid);
		assert_string_equal(groups, rows[i].groups);
		assert_string_equal(user.home, rows[i].home);
		assert_string_equal(user.shell, rows[i].shell);
		if (rows[i].name)
			assert_string_equal(user.name, rows[i].name);
		else
			assert_null(user.name);
	}
}

static void what_is_not_there_is_refused(void **state)
{
	static const struct {
		const char *request;
		enum sandbox_error_id id;
	} rows[] = {
		{"nobody", SANDBOX_E_USER_UNKNOWN},
		{"short", SANDBOX_E_USER_UNKNOWN},
		{"long", SANDBOX_E_USER_UNKNOWN},
		{"hex", SANDBOX_E_USER_UNKNOWN},
		{"plus", SANDBOX_E_USER_UNKNOWN},
		{"space", SANDBOX_E_USER_UNKNOWN},
		{"minus", SANDBOX_E_USER_UNKNOWN},
		{"huge", SANDBOX_E_USER_UNKNOWN},
		{"wrap", SANDBOX_E_USER_UNKNOWN},
		{"empty", SANDBOX_E_USER_UNKNOWN},
		{"+nis", SANDBOX_E_USER_UNKNOWN},
		{"nis", SANDBOX_E_USER_UNKNOWN},
		{"# people", SANDBOX_E_USER_UNKNOWN},
		{"-1", SANDBOX_E_USER_UNKNOWN},
		{"+5", SANDBOX_E_USER_UNKNOWN},
		{" 0", SANDBOX_E_USER_UNKNOWN},
		{"0x0", SANDBOX_E_USER_UNKNOWN},
		{"ROOT", SANDBOX_E_USER_UNKNOWN},
		{":daemon", SANDBOX_E_USER_UNKNOWN},
		{"app:users", SANDBOX_E_USER_UNKNOWN},
		{"app:broken", SANDBOX_E_USER_UNKNOWN},
		{"app:wheel:x", SANDBOX_E_USER_UNKNOWN},
		{"4294967295", SANDBOX_E_USER_UNKNOWN},
		{"4294967296", SANDBOX_E_USER_UNKNOWN},
		{"18446744073709551616", SANDBOX_E_USER_UNKNOWN},
		{"0:4294967295", SANDBOX_E_USER_UNKNOWN},
		{"70000", SANDBOX_E_ID_UNMAPPED},
		{"far", SANDBOX_E_ID_UNMAPPED},
		{"farther", SANDBOX_E_ID_UNMAPPED},
		{"0:70000", SANDBOX_E_ID_UNMAPPED},
		{"0:far", SANDBOX_E_ID_UNMAPPED},
		{"65536", SANDBOX_E_ID_UNMAPPED},
	};

	(void)state;
	for (size_t i = 0; i < array_count(rows); i++) {
		auto_finish(user_finish) struct user_identity user = {0};
		struct sandbox_error error = {0};

		if (user_resolve(root, rows[i].request, &map, &user, &error) != -EINVAL ||
			error.id != rows[i].id)
			fail_msg("%s: uid %u, %s", rows[i].request, user.uid, error.text);
		assert_true(*error.text && *error.cause);
	}
}

static void with_a_single_id_only_root_exists(void **state)
{
	auto_finish(user_finish) struct user_identity user = {0};
	struct sandbox_error error = {0};
	struct idmap single = {.single = true};

	(void)state;
	single.users = single.groups = (struct id_extents){.items = {{0, 1000, 1}}, .count = 1};
	assert_int_equal(user_resolve(root, NULL, &single, &user, &error), 0);
	assert_int_equal(user.group_count, 0);
	user_finish(&user);
	assert_int_equal(user_resolve(root, "app", &single, &user, &error), -EINVAL);
	assert_int_equal(error.id, SANDBOX_E_ID_UNMAPPED);
}

static void missing_files_are_as_good_as_empty(void **state)
{
	auto_finish(user_finish) struct user_identity user = {0};
	auto_free char *shell = NULL;
	struct sandbox_error error = {0};

	(void)state;
	(void)unlinkat(root, "etc/passwd", 0);
	(void)unlinkat(root, "etc/group", 0);
	assert_int_equal(user_resolve(root, NULL, &map, &user, NULL), 0);
	assert_int_equal(user.uid, 0);
	assert_string_equal(user.home, "/");
	user_finish(&user);
	assert_int_equal(user_resolve(root, "5:6", &map, &user, NULL), 0);
	assert_int_equal(user.gid, 6);
	user_finish(&user);
	assert_int_equal(user_resolve(root, "app", &map, &user, &error), -EINVAL);
	assert_int_equal(error.id, SANDBOX_E_USER_UNKNOWN);
	assert_int_equal(user_root_shell(root, &shell, NULL), 0);
	assert_string_equal(shell, "/bin/sh");
}

static void root_s_shell_is_found(void **state)
{
	auto_free char *shell = NULL;

	(void)state;
	assert_int_equal(user_root_shell(root, &shell, NULL), 0);
	assert_string_equal(shell, "/bin/bash");
}

static void expect_layout_error(const char *what)
{
	auto_finish(user_finish) struct user_identity user = {0};
	struct sandbox_error error = {0};

	if (user_resolve(root, NULL, &map, &user, &error) >= 0 || error.id != SANDBOX_E_ROOT_LAYOUT)
		fail_msg("%s: uid %u, %s", what, user.uid, error.text);
}

static void only_plain_files_are_read(void **state)
{
	auto_free char *big = memory_zeroed((1 << 20) + 1, 1);

	(void)state;
	(void)unlinkat(root, "etc/passwd", 0);
	assert_int_equal(mkfifoat(root, "etc/passwd", 0644), 0);
	expect_layout_error("a FIFO");
	(void)unlinkat(root, "etc/passwd", 0);
	assert_int_equal(mkdirat(root, "etc/passwd", 0755), 0);
	expect_layout_error("a directory");
	assert_int_equal(unlinkat(root, "etc/passwd", AT_REMOVEDIR), 0);
	assert_int_equal(symlinkat("passwd", root, "etc/passwd"), 0);
	expect_layout_error("a loop");
	(void)unlinkat(root, "etc/passwd", 0);
	put("etc/passwd", big, (1 << 20) + 1);
	expect_layout_error("a huge file");
}

static void links_stay_below_the_root(void **state)
{
	auto_finish(user_finish) struct user_identity user = {0};

	(void)state;
	assert_int_equal(renameat(root, "etc/passwd", root, "etc/real"), 0);
	assert_int_equal(symlinkat("/../../etc/./real", root, "etc/passwd"), 0);
	assert_int_equal(user_resolve(root, "app", &map, &user, NULL), 0);
	assert_int_equal(user.uid, 1000);
	user_finish(&user);

	/* Outside that file exists, below the root it does not. */
	(void)unlinkat(root, "etc/passwd", 0);
	assert_int_equal(symlinkat("/etc/passwd-of-the-host/../../usr/bin/env", root, "etc/passwd"), 0);
	assert_int_equal(user_resolve(root, "root", &map, &user, NULL), -EINVAL);
}

/* A link of the image may lead into /proc, whose files tell about the process that reads them. */
static void files_about_processes_are_not_read(void **state)
{
	auto_free char *target = memory_format("%s/etc/passwd", root_path);
	int status;
	pid_t child = fork();

	(void)state;
	if (child == 0) {
		struct user_identity user;
		struct sandbox_error error = {0};

		if (unshare(CLONE_NEWUSER | CLONE_NEWNS) < 0 ||
			mount("/proc/self/environ", target, NULL, MS_BIND, NULL) < 0)
			_exit(2);
		root = open(root_path, O_DIRECTORY | O_PATH | O_CLOEXEC);
		_exit(user_resolve(root, NULL, &map, &user, &error) == -EINVAL &&
					error.id == SANDBOX_E_ROOT_LAYOUT
				? 0
				: 1);
	}
	assert_int_equal(waitpid(child, &status, 0), child);
	if (status == 2 << 8)
		skip();
	assert_int_equal(status, 0);
}

static void a_nul_hides_nothing(void **state)
{
	static const char text[] =
		"app:x:5:5::/:/bin/sh\0:more\nsecond\0:x:0:0::/:/bin/sh\nthird:x:6:6::/:/bin/sh\0";
	auto_finish(user_finish) struct user_identity user = {0};

	(void)state;
	put("etc/passwd", text, sizeof(text) - 1);
	assert_int_equal(user_resolve(root, "app", &map, &user, NULL), -EINVAL);
	assert_int_equal(user_resolve(root, "second", &map, &user, NULL), -EINVAL);
	assert_int_equal(user_resolve(root, "third", &map, &user, NULL), -EINVAL);
}

static void groups_are_bounded(void **state)
{
	auto_finish(user_finish) struct user_identity user = {0};
	auto_close int fd = openat(root, "etc/group", O_WRONLY | O_TRUNC | O_CLOEXEC);

	(void)state;
	for (int i = 0; i < USER_GROUPS_MAX + 100; i++)
		(void)dprintf(fd, "g%d:x:%d:app\n", i, 2000 + i);
	assert_int_equal(user_resolve(root, "app", &map, &user, NULL), 0);
	assert_int_equal(user.group_count, USER_GROUPS_MAX);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(requests_are_resolved, write_files),
		cmocka_unit_test_setup(what_is_not_there_is_refused, write_files),
		cmocka_unit_test_setup(with_a_single_id_only_root_exists, write_files),
		cmocka_unit_test_setup(missing_files_are_as_good_as_empty, write_files),
		cmocka_unit_test_setup(root_s_shell_is_found, write_files),
		cmocka_unit_test_setup(only_plain_files_are_read, write_files),
		cmocka_unit_test_setup(links_stay_below_the_root, write_files),
		cmocka_unit_test_setup(files_about_processes_are_not_read, write_files),
		cmocka_unit_test_setup(a_nul_hides_nothing, write_files),
		cmocka_unit_test_setup(groups_are_bounded, write_files),
	};

	return cmocka_run_group_tests(tests, set_up, tear_down);
}
