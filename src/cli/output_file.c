#include "cli/output_file.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static mode_t callers_umask = 022;

void output_file_umask(mode_t mask)
{
	callers_umask = mask;
}

static int open_masked(const char *path, struct new_file *out, struct sandbox_error *error)
{
	mode_t ours = umask(callers_umask);
	int result = new_file_open(path, out, error);

	(void)umask(ours);
	return result;
}

int output_file_open(const char *path, struct new_file *out, struct sandbox_error *error)
{
	*out = (struct new_file)NEW_FILE_INIT;
	if (path && strcmp(path, "-") != 0)
		return open_masked(path, out, error) < 0 ?
			error_fix(error, "name a file in a directory that you may write to") : 0;
	if (isatty(STDOUT_FILENO)) {
		(void)error_set(error, 0, "refused to write an archive to the terminal");
		(void)error_cause(error, SANDBOX_E_USAGE, "standard output is a terminal, which would take it for commands");
		return error_fix(error, "name a file with --output FILE, or redirect standard output");
	}
	out->fd = fcntl(STDOUT_FILENO, F_DUPFD_CLOEXEC, 3);
	return out->fd < 0 ? error_set(error, errno, "copy standard output") : 0;
}
