#include "userns/newidmap.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <sys/xattr.h>
#include <unistd.h>

#include "base/memory.h"
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

static int helper_start(const struct helper *helper, pid_t pid, const struct id_extents *extents,
	struct spawn *out, struct sandbox_error *error)
{
	auto_finish(sandbox_strings_finish) struct sandbox_strings arguments = {0};
	const char *path = helper_path(helper);

	if (!path) {
		error_set(error, ENOENT, "map %s ids: %s", helper->what, helper->paths[0]);
		error_cause(error, SANDBOX_E_NEWIDMAP_MISSING, "the program that maps subordinate ids is not installed");
		return error_fix(error, "install the package that has newuidmap (uidmap on Debian and Ubuntu, "
			"shadow-utils on Fedora), or run with --userns=single");
	}
	sandbox_strings_add(&arguments, path);
	strings_take(&arguments, memory_format("%d", (int)pid));
	for (size_t i = 0; i < extents->count; i++) {
		strings_take(&arguments, memory_format("%u", extents->items[i].inside));
		strings_take(&arguments, memory_format("%u", extents->items[i].outside));
		strings_take(&arguments, memory_format("%u", extents->items[i].count));
	}
	return spawn_start(out, arguments.items, error);
}

/* newuidmap works by a set-user-ID bit or by file capabilities; an unpacked or copied one has neither. */
static bool helper_is_privileged(const char *path)
{
	struct stat status;

	if (stat(path, &status) < 0)
		return false;
	return (status.st_uid == 0 && (status.st_mode & S_ISUID)) || getxattr(path, "security.capability", NULL, 0) > 0;
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
	if (!helper_is_privileged(helper_path(helper))) {
		error_cause(error, SANDBOX_E_NEWIDMAP_REFUSED, "%s has neither the set-user-ID bit nor file capabilities",
			helper_path(helper));
		return error_fix(error, "reinstall the package that has it, or run with --userns=single");
	}
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
