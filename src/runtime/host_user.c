#include "runtime/host_user.h"

#include <fcntl.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/file.h"
#include "base/memory.h"
#include "base/scope.h"
#include "base/spawn.h"
#include "base/text.h"

enum { PASSWD_MAX = 16 << 20, PASSWD_FIELDS = 7 };

/* Takes name and home from the first passwd(5) line of the user. `text` is cut in place. */
static bool host_user_from_passwd(char *text, struct host_user *user)
{
	char *rest = text, *line;

	while ((line = strsep(&rest, "\n"))) {
		char *fields[PASSWD_FIELDS] = {0};
		uint64_t uid;
		size_t count = 0;

		while (count < PASSWD_FIELDS && line)
			fields[count++] = strsep(&line, ":");
		if (count < 6 || !text_parse_unsigned(fields[2], UINT32_MAX, &uid) || uid != user->uid)
			continue;
		user->name = memory_text(fields[0]);
		user->home = *fields[5] == '/' ? memory_text(fields[5]) : NULL;
		return true;
	}
	return false;
}

static bool host_user_from_getent(struct host_user *user)
{
	auto_free char *number = memory_format("%u", user->uid);
	char *arguments[] = {(char *)"/usr/bin/getent", (char *)"passwd", number, NULL};
	auto_finish(spawn_finish) struct spawn helper = SPAWN_INIT;
	auto_free char *output = NULL;
	int status;

	if (spawn_start(&helper, arguments, NULL) < 0 || spawn_wait(&helper, &status, &output, NULL) < 0)
		return false;
	return WIFEXITED(status) && WEXITSTATUS(status) == 0 && host_user_from_passwd(output, user);
}

void host_user_load(struct host_user *out)
{
	auto_free char *text = NULL;

	*out = (struct host_user){.uid = geteuid(), .gid = getegid()};
	if (file_read(AT_FDCWD, "/etc/passwd", PASSWD_MAX, &text, NULL, NULL) == 0 && host_user_from_passwd(text, out))
		return;
	if (!host_user_from_getent(out))
		out->name = memory_format("%u", out->uid);
}

void host_user_finish(struct host_user *user)
{
	free(user->name);
	free(user->home);
	*user = (struct host_user){0};
}
