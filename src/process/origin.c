#include "process/origin.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/scope.h"
#include "base/test_switch.h"

int origin_verify(struct sandbox_error *error)
{
	auto_close int program = open("/proc/self/exe", O_PATH | O_CLOEXEC);
	char path[PATH_MAX];
	ssize_t length = readlink("/proc/self/exe", path, sizeof(path) - 1);
	struct stat executed, named;

	/* Without /proc nobody can have come through it. */
	if (program < 0 || length < 0 || test_defence_removed("origin"))
		return 0;
	path[length] = '\0';
	if (fstat(program, &executed) == 0 && stat(path, &named) == 0 && executed.st_dev == named.st_dev &&
		executed.st_ino == named.st_ino)
		return 0;
	error_set(error, EXDEV, "start %s", path);
	return error_cause(error, SANDBOX_E_COMMAND_NOT_EXECUTABLE,
		"it lies outside of this root: a link to /proc/self/exe was executed inside a sandbox");
}
