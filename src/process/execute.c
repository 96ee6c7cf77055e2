#include "process/execute.h"

#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/memory.h"
#include "base/scope.h"

static const char *path_variable(char *const environment[])
{
	for (size_t i = 0; environment[i]; i++)
		if (strncmp(environment[i], "PATH=", 5) == 0)
			return environment[i] + 5;
	return "";
}

static int not_found(const char *name, bool searched, struct sandbox_error *error)
{
	error_set(error, 0, "%s: command not found", name);
	error_cause(error, SANDBOX_E_COMMAND_NOT_FOUND, "%s", searched
		? "no directory on the sandbox's PATH has such a program" : "the image has no such file");
	return error_fix(error, "check its spelling, and that the image has it installed");
}

static const char *why_not_executable(const char *path, int code)
{
	struct stat status;

	if (stat(path, &status) == 0 && S_ISDIR(status.st_mode))
		return "it is a directory";
	switch (code) {
	case EACCES:
		return "it has no execute permission for this user";
	case ENOEXEC:
		return "it is neither a program nor a script with a #! line, or made for another machine";
	case ENOENT:
		return "the interpreter or the loader that it names is not in the image";
	case EPERM:
		return "the kernel refused it (a program with file capabilities that the sandbox does not have?)";
	default:
		return "the kernel refused it";
	}
}

static int not_executable(const char *path, int code, struct sandbox_error *error)
{
	error_set(error, code, "execute %s", path);
	return error_cause(error, SANDBOX_E_COMMAND_NOT_EXECUTABLE, "%s", why_not_executable(path, code));
}

static bool exists(const char *path)
{
	struct stat status;

	return stat(path, &status) == 0;
}

/*
 * Looking costs a fifth of what execve(2) does where there is nothing. A directory of that name is not one; and the user's
 * own filter may refuse to look.
 */
static bool may_be_program(const char *path)
{
	struct stat status;

	return stat(path, &status) == 0 ? S_ISREG(status.st_mode) : errno == EPERM || errno == ENOSYS;
}

static int execute_path(const char *path, char *const argv[], char *const environment[], struct sandbox_error *error)
{
	(void)execve(path, argv, environment);
	if ((errno == ENOENT || errno == ENOTDIR) && !exists(path))
		return not_found(path, false, error);
	return not_executable(path, errno, error);
}

int execute_program(char *const argv[], char *const environment[], struct sandbox_error *error)
{
	auto_free char *directories = memory_text(path_variable(environment));
	auto_free char *refused = NULL;
	char *rest = directories, *directory;
	int refused_code = 0;

	if (strchr(argv[0], '/'))
		return execute_path(argv[0], argv, environment, error);
	while (*argv[0] && (directory = strsep(&rest, ":"))) {
		auto_free char *path = memory_format("%s/%s", *directory ? directory : ".", argv[0]);

		if (!may_be_program(path))
			continue;
		(void)execve(path, argv, environment);
		/* Remember the first file that is there but cannot run. */
		if (!refused) {
			refused_code = errno;
			refused = take_ptr(path);
		}
	}
	return refused ? not_executable(refused, refused_code, error) : not_found(argv[0], true, error);
}
