#include "cgroup/processes.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/file.h"
#include "base/memory.h"
#include "base/scope.h"

enum { PROCS_MAX = 4 << 20, ROUNDS = 16 };

bool cgroup_has_processes(int directory)
{
	auto_free char *text = NULL;

	return file_read(directory, "cgroup.procs", PROCS_MAX, &text, NULL, NULL) == 0 && *text;
}

static int explain_stranger(const char *pid, struct sandbox_error *error)
{
	error_wrap(error, "move process %s into a group of its own", pid);
	error_cause(error, SANDBOX_E_CGROUP_MISSING, "it is in the delegated group, and belongs to somebody else");
	return error_fix(error, "have a group delegated in which there are only processes of yours");
}

/* *out_any tells whether there were any. One that has ended, or is a zombie, cannot be moved and need not be. */
static int move_once(int directory, const char *from, const char *to, bool *out_any, struct sandbox_error *error)
{
	auto_free char *source = memory_format("%s/cgroup.procs", from), *target = memory_format("%s/cgroup.procs", to);
	auto_free char *text = NULL;
	char *rest, *pid;
	int result = file_read(directory, source, PROCS_MAX, &text, NULL, error);

	*out_any = false;
	rest = text;
	while (result == 0 && (pid = strsep(&rest, "\n"))) {
		if (!*pid)
			continue;
		*out_any = true;
		result = file_write_existing(directory, target, pid, error);
		if (result == -ESRCH)
			result = 0;
		else if (result < 0)
			return explain_stranger(pid, error);
	}
	return result;
}

int cgroup_move_processes(int directory, const char *from, const char *to, struct sandbox_error *error)
{
	bool any = true;
	int result = 0;

	for (int round = 0; any && round < ROUNDS && result == 0; round++)
		result = move_once(directory, from, to, &any, error);
	return result;
}
