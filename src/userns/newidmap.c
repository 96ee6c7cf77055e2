#include "userns/newidmap.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <sys/wait.h>
#include <sys/xattr.h>
#include <unistd.h>

#include "base/memory.h"
#include "base/packages.h"
#include "base/scope.h"
#include "base/spawn.h"
#include "base/strings.h"

struct helper {
	const char *what;
	const char *paths[4]; /* never by PATH: the caller's environment is not trusted with this */
};

static const struct helper user_helper = {
	"user", {"/usr/bin/newuidmap", "/bin/newuidmap", "/run/wrappers/bin/newuidmap", NULL}};
static const struct helper group_helper = {
	"group", {"/usr/bin/newgidmap", "/bin/newgidmap", "/run/wrappers/bin/newgidmap", NULL}};

static const char *helper_path(const struct helper *helper)
{
	for (size_t i = 0; helper->paths[i]; i++)
		if (access(helper->paths[i], X_OK) == 0)
			return helper->paths[i];
	return NULL;
}

bool newidmap_available(void)
{
	return helper_path(&user_helper) && helper_path(&group_helper);
}

int newidmap_explain_no_new_privs(struct sandbox_error *error)
{
	error_set(error, EPERM, "map ids: newuidmap");
	error_cause(error, SANDBOX_E_NNP, "no_new_privs is set on this process, so that no set-user-ID program works");
	return error_fix(error, "start it without NoNewPrivileges= or setpriv --no-new-privs, or use --userns=single");
}

int newidmap_explain_missing(struct sandbox_error *error)
{
	static const struct package_names package = {"uidmap", "shadow-utils", "shadow", "shadow", "shadow-uidmap"};
	char command[128];

	error_set(error, ENOENT, "map ids: %s", helper_path(&user_helper) ? group_helper.paths[0] : user_helper.paths[0]);
	error_cause(error, SANDBOX_E_NEWIDMAP_MISSING, "the programs that map subordinate ids are not installed");
	return error_fix(error, "%s", packages_install_command(&package, command, sizeof(command)));
}

static int helper_start(const struct helper *helper, pid_t pid, const struct id_extents *extents,
	struct spawn *out, struct sandbox_error *error)
{
	auto_finish(sandbox_strings_finish) struct sandbox_strings arguments = {0};
	const char *path = helper_path(helper);

	if (!path)
		return newidmap_explain_missing(error);
	sandbox_strings_add(&arguments, path);
	strings_take(&arguments, memory_format("%d", (int)pid));
	for (size_t i = 0; i < extents->count; i++) {
		strings_take(&arguments, memory_format("%u", extents->items[i].inside));
		strings_take(&arguments, memory_format("%u", extents->items[i].outside));
		strings_take(&arguments, memory_format("%u", extents->items[i].count));
	}
	return spawn_start(out, arguments.items, error);
}

/* The mount point above the program, whose options it lives under. */
static void find_mount_point(const char *program, char *out, size_t size)
{
	(void)snprintf(out, size, "%s", program);
	for (;;) {
		struct statx status;
		char *slash = strrchr(out, '/');

		if (!slash)
			return;
		slash[slash == out] = '\0';
		if (slash == out || (statx(AT_FDCWD, out, 0, 0, &status) == 0 && (status.stx_attributes & STATX_ATTR_MOUNT_ROOT)))
			return;
	}
}

/*
 * A set-user-ID bit of root's or file capabilities, on a mount that honours them: what newuidmap works by. An unpacked
 * or copied one has neither. False with the reason when something is missing.
 */
static bool helper_is_privileged(const char *path, struct sandbox_error *error)
{
	char mount_point[128];
	struct statvfs mount;
	struct stat status;

	if (prctl(PR_GET_NO_NEW_PRIVS, 0, 0, 0, 0) == 1) {
		newidmap_explain_no_new_privs(error);
		return false;
	}
	if (statvfs(path, &mount) == 0 && (mount.f_flag & ST_NOSUID)) {
		find_mount_point(path, mount_point, sizeof(mount_point));
		error_cause(error, SANDBOX_E_NEWIDMAP_REFUSED, "%s lies on a mount (%s) with the option nosuid, which takes its "
			"privilege away", path, mount_point);
		error_fix(error, "sudo mount -o remount,bind,suid %s", mount_point);
		return false;
	}
	if (stat(path, &status) == 0 && !(status.st_uid == 0 && (status.st_mode & S_ISUID)) &&
	    getxattr(path, "security.capability", NULL, 0) <= 0) {
		error_cause(error, SANDBOX_E_NEWIDMAP_REFUSED, "%s has neither root's set-user-ID bit nor file capabilities",
			path);
		error_fix(error, "sudo chown root:root %s && sudo chmod u+s %s", path, path);
		return false;
	}
	return true;
}

static int helper_wait(const struct helper *helper, struct spawn *spawn, const struct id_extents *extents,
	struct sandbox_error *error)
{
	char ranges[ID_MAP_EXTENTS_MAX * 36];
	auto_free char *output = NULL;
	int status, result = spawn_wait(spawn, &status, &output, error);

	if (result < 0)
		return result;
	if (WIFEXITED(status) && WEXITSTATUS(status) == 0)
		return 0;

	output[strcspn(output, "\n")] = '\0';
	error_set(error, EPERM, "map %s ids: %s refused %s", helper->what, helper_path(helper),
		id_extents_format(extents, ranges, sizeof(ranges)));
	if (!helper_is_privileged(helper_path(helper), error))
		return -EPERM;
	error_cause(error, SANDBOX_E_NEWIDMAP_REFUSED, "it said: %s", *output ? output : "nothing");
	return error_fix(error, "check the ranges in /etc/subuid and /etc/subgid, or run with --userns=single");
}

int newidmap_write(pid_t pid, const struct idmap *map, struct sandbox_error *error)
{
	auto_finish(spawn_finish) struct spawn users = SPAWN_INIT;
	auto_finish(spawn_finish) struct spawn groups = SPAWN_INIT;
	int result = helper_start(&user_helper, pid, &map->users, &users, error);

	if (result == 0)
		result = helper_start(&group_helper, pid, &map->groups, &groups, error);
	if (result == 0)
		result = helper_wait(&user_helper, &users, &map->users, error);
	if (result == 0)
		result = helper_wait(&group_helper, &groups, &map->groups, error);
	return result;
}
