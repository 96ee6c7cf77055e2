#include "process/execute.h"

#include <errno.h>
#include <stdbool.h>
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
	/* What was meant for another reader: an option behind the image, a line for a shell. */
	if (*name == '-')
		return error_fix(error, "options of sandbox stand before the image, those of the command behind its name");
	if (searched && strpbrk(name, " \t;|&<>"))
		return error_fix(error, "write each word as one of its own, or have a shell read it: sh -c 'COMMAND'");
	return error_fix(error, "check its spelling, and that the image has it installed");
}

static void explain_refusal(const char *path, int code, struct sandbox_error *error)
{
	const char *cause = "the kernel refused it", *fix = "look at it: sandbox run IMAGE ls -l FILE";
	struct stat status;

	if (stat(path, &status) == 0 && S_ISDIR(status.st_mode)) {
		cause = "it is a directory";
		fix = "name a program in it";
	} else if (code == EACCES) {
		cause = "it has no execute permission for this user, or lies on a mount without (noexec)";
		fix = "give it that (chmod +x), or name what is to read it: sh FILE";
	} else if (code == ENOEXEC) {
		cause = "it is neither a program nor a script with a #! line, or made for another machine";
		fix = "name what is to read it: sh FILE; or take an image for this machine";
	} else if (code == ENOENT) {
		cause = "the interpreter or the loader that it names is not in the image";
		fix = "install that in the image, or link the program statically";
	} else if (code == EPERM) {
		cause = "the kernel refused it (a program with file capabilities that the sandbox does not have?)";
		fix = "grant them with --cap-add, or take them away in the image (setcap -r)";
	}
	error_cause(error, SANDBOX_E_COMMAND_NOT_EXECUTABLE, "%s", cause);
	error_fix(error, "%s", fix);
}

static int not_executable(const char *path, int code, struct sandbox_error *error)
{
	int result = error_set(error, code, "execute %s", path);

	explain_refusal(path, code, error);
	return result;
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
	int code;

	(void)execve(path, argv, environment);
	code = errno;
	if ((code == ENOENT || code == ENOTDIR) && !exists(path))
		return not_found(path, false, error);
	return not_executable(path, code, error);
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
