#include "cli/paths.h"

#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/memory.h"
#include "base/scope.h"
#include "runtime/host_user.h"

/* An absolute path from the environment; the XDG specification says to ignore any other. */
static const char *environment_path(const char *variable)
{
	const char *value = getenv(variable);

	return value && *value == '/' ? value : NULL;
}

static int absolute_path(const char *path, char **out, struct sandbox_error *error)
{
	auto_free char *here = NULL;

	if (!*path) {
		error_set(error, 0, "the name of a directory is empty");
		error_cause(error, SANDBOX_E_USAGE, "--root, --state or --runroot was given nothing");
		return error_fix(error, "name a directory, or leave the option out");
	}
	if (*path == '/') {
		*out = memory_text(path);
		return 0;
	}
	here = getcwd(NULL, 0);
	if (!here)
		return error_set(error, errno, "make %s an absolute path: current directory", path);
	*out = memory_format("%s/%s", here, path);
	return 0;
}

/* `option`, else $variable/sandbox, else ~/fallback/sandbox. */
static int decide_one(const char *option, const char *variable, const char *home, const char *fallback, char **out,
	struct sandbox_error *error)
{
	const char *base = environment_path(variable);

	if (option)
		return absolute_path(option, out, error);
	if (base)
		*out = memory_format("%s/sandbox", base);
	else if (home)
		*out = memory_format("%s/%s/sandbox", home, fallback);
	else {
		error_set(error, ENOENT, "find the home directory");
		error_cause(error, SANDBOX_E_HOME_UNUSABLE, "HOME is not set and the system knows no home of this user");
		return error_fix(error, "set HOME, or name a directory with --root and --state");
	}
	return 0;
}

/* HOME, or else what the system knows; owned by the caller. */
static char *find_home(void)
{
	auto_finish(host_user_finish) struct host_user user = {0};
	const char *home = environment_path("HOME");

	if (!home)
		host_user_load(&user);
	return memory_text(home ? home : user.home);
}

char *paths_configuration(void)
{
	const char *base = environment_path("XDG_CONFIG_HOME");
	auto_free char *home = find_home();

	if (base)
		return memory_format("%s/sandbox", base);
	return home ? memory_format("%s/.config/sandbox", home) : NULL;
}

int paths_decide(const struct path_options *options, struct cli *cli, struct sandbox_error *error)
{
	const char *runtime = environment_path("XDG_RUNTIME_DIR");
	auto_free char *home = find_home();
	int result = decide_one(options->root, "XDG_CACHE_HOME", home, ".cache", &cli->store, error);
	if (result == 0)
		result = decide_one(options->state, "XDG_STATE_HOME", home, ".local/state", &cli->state, error);
	if (result < 0)
		return result;
	if (options->runroot)
		return absolute_path(options->runroot, &cli->runtime, error);
	cli->runtime = runtime ? memory_format("%s/sandbox", runtime) : memory_format("/tmp/sandbox-%u", geteuid());
	return 0;
}

void paths_finish(struct cli *cli)
{
	free(cli->store);
	free(cli->state);
	free(cli->runtime);
	cli->store = cli->state = cli->runtime = NULL;
}
