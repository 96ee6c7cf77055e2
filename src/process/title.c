#include "process/title.h"

#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>

#include "base/file.h"
#include "base/scope.h"

enum { STAT_MAX = 4096, STAT_ARG_START = 48 };

/* Where the kernel keeps the command line of this process: the fields arg_start and arg_end of proc_pid_stat(5). */
static int find_command_line(uintptr_t *out_start, uintptr_t *out_end)
{
	auto_free char *text = NULL;
	char *cursor;

	if (file_read(AT_FDCWD, "/proc/self/stat", STAT_MAX, &text, NULL, NULL) < 0)
		return -1;
	/* The second field is a name in parentheses and may hold anything. */
	cursor = strrchr(text, ')');
	for (int field = 2; cursor && field < STAT_ARG_START; field++)
		cursor = strchr(cursor + 1, ' ');
	return cursor && sscanf(cursor, "%lu %lu", out_start, out_end) == 2 && *out_start ? 0 : -1;
}

void title_set(const char *name)
{
	uintptr_t start, end;

	(void)prctl(PR_SET_NAME, name);
	if (find_command_line(&start, &end) < 0 || end <= start)
		return;
	memset((void *)start, 0, end - start);
	/* The last byte stays NUL: without it the kernel takes the environment for a longer title. */
	(void)snprintf((char *)start, end - start, "%s", name);
}
