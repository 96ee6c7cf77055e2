#include "process/user.h"

#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <linux/magic.h>
#include <linux/openat2.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/vfs.h>
#include <unistd.h>

#include "base/file.h"
#include "base/memory.h"
#include "base/scope.h"
#include "base/test_switch.h"
#include "base/text.h"
#include "kernel/syscalls.h"

enum { USER_FILE_LIMIT = 1 << 20 };

static const uint64_t id_limit = UINT32_MAX - 1; /* (uid_t)-1 means "leave as it is" */

/* A whole file, to be cut up. Both pointers are NULL for a file that is not there. */
struct user_file {
	char *data;
	char *end;
};

static void user_file_finish(struct user_file *file)
{
	free(file->data);
}

/*
 * A link in the image may lead anywhere below the root, and there lies /proc, too, whose files tell
 * about the process that reads them.
 */
static bool is_plain_file(int fd)
{
	struct stat status;
	struct statfs filesystem;

	return fstat(fd, &status) == 0 && S_ISREG(status.st_mode) && fstatfs(fd, &filesystem) == 0 &&
		filesystem.f_type != PROC_SUPER_MAGIC;
}

static int user_file_load(int root, const char *path, struct user_file *out, struct sandbox_error *error)
{
	/* O_NONBLOCK and O_NOCTTY: a FIFO or a terminal in its place must neither stop us nor become ours. */
	auto_close int fd = kernel_openat2(
		root, path, O_RDONLY | O_NONBLOCK | O_NOCTTY, 0, RESOLVE_IN_ROOT | RESOLVE_NO_MAGICLINKS);
	auto_free char *name = memory_format("the image's /%s", path);
	size_t size = 0;

	if (fd < 0 && (errno == ENOENT || errno == ENOTDIR))
		return 0;
	if (fd < 0)
		error_set(error, errno, "open %s", name);
	else if (!is_plain_file(fd))
		error_set(error, 0, "open %s: not a regular file", name);
	else if (file_read_fd(fd, name, USER_FILE_LIMIT, &out->data, &size, error) == 0)
		out->end = out->data + size;
	if (out->data)
		return 0;
	return error_cause(error, SANDBOX_E_ROOT_LAYOUT,
		"it must be a readable regular file of at most %d bytes, or not be there", USER_FILE_LIMIT);
}

/* Cuts the line at *cursor into fields. The number of fields found; 0 for a line that is passed over. */
static size_t cut_line(char **cursor, char *end, char *fields[], size_t room)
{
	char *line = *cursor;
	char *newline = memchr(line, '\n', (size_t)(end - line));
	char *line_end = newline ? newline : end;
	size_t count = 0;

	*cursor = newline ? newline + 1 : end;
	*line_end = '\0';
	/* A NUL in a line would hide what follows it. '+' and '-' lines are directions for NIS. */
	if (strlen(line) != (size_t)(line_end - line) || strchr("#+-", *line))
		return 0;
	for (char *field = line; field; count++) {
		char *colon = strchr(field, ':');

		if (colon)
			*colon++ = '\0';
		if (count < room)
			fields[count] = field;
		field = colon;
	}
	return *fields[0] ? count : 0;
}

static bool parse_id(const char *text, uint32_t *out)
{
	uint64_t value;

	if (!text_parse_unsigned(text, id_limit, &value))
		return false;
	*out = (uint32_t)value;
	return true;
}

bool user_next_entry(char **cursor, char *end, struct user_entry *out)
{
	char *fields[7];

	while (*cursor < end) {
		if (cut_line(cursor, end, fields, 7) != 7 || !parse_id(fields[2], &out->uid) ||
			!parse_id(fields[3], &out->gid))
			continue;
		out->name = fields[0];
		out->home = fields[5];
		out->shell = fields[6];
		return true;
	}
	return false;
}

bool user_next_group(char **cursor, char *end, struct user_group *out)
{
	char *fields[4];

	while (*cursor < end) {
		if (cut_line(cursor, end, fields, 4) != 4 || !parse_id(fields[2], &out->gid))
			continue;
		out->name = fields[0];
		out->members = fields[3];
		return true;
	}
	return false;
}

static bool is_number(const char *text)
{
	return *text && strspn(text, "0123456789") == strlen(text);
}

static int explain_unknown(const char *kind, const char *name, const char *path, struct sandbox_error *error)
{
	auto_free char *shown = text_escape(name);

	error_set(error, 0, "no %s \"%s\" in the image", kind, shown);
	error_cause(error, SANDBOX_E_USER_UNKNOWN, "the image's %s has no well-formed line for it", path);
	return error_fix(error, "give a number, or a name that `sandbox run IMAGE cat %s` shows", path);
}

static int explain_number(const char *kind, const char *text, struct sandbox_error *error)
{
	error_set(error, 0, "%s %.20s is not a valid id", kind, text);
	return error_cause(error, SANDBOX_E_USER_UNKNOWN, "ids go from 0 to %u", (unsigned int)id_limit);
}

static int explain_unmapped(const char *kind, uint32_t id, const struct id_extents *extents,
	const struct idmap *map, struct sandbox_error *error)
{
	char text[160];

	error_set(error, 0, "%s %u does not exist in this sandbox", kind, id);
	error_cause(error, SANDBOX_E_ID_UNMAPPED, "the id map is %s (inside, outside, count)",
		id_extents_format(extents, text, sizeof(text)));
	return error_fix(error,
		map->single ? "you have no subordinate ids, so there is only id 0; see `sandbox doctor`"
			    : "choose a smaller id, or ask the administrator for a larger range (subuid(5))");
}

/* Takes what is known of the user from his line of /etc/passwd. 0 or -errno. */
static int find_user(int root, const char *wanted, struct user_identity *out, struct sandbox_error *error)
{
	auto_finish(user_file_finish) struct user_file file = {0};
	bool by_number = is_number(wanted);
	struct user_entry entry;
	char *cursor;
	int result;

	if (by_number && !parse_id(wanted, &out->uid))
		return explain_number("user", wanted, error);
	result = user_file_load(root, "etc/passwd", &file, error);
	if (result < 0)
		return result;

	cursor = file.data;
	while (user_next_entry(&cursor, file.end, &entry)) {
		if (by_number ? entry.uid != out->uid : strcmp(entry.name, wanted) != 0)
			continue;
		out->uid = entry.uid;
		out->gid = entry.gid;
		out->name = memory_text(entry.name);
		out->home = memory_text(*entry.home == '/' ? entry.home : "/");
		out->shell = memory_text(*entry.shell == '/' ? entry.shell : "/bin/sh");
		return 0;
	}
	if (!by_number)
		return explain_unknown("user", wanted, "/etc/passwd", error);
	out->home = memory_text("/");
	out->shell = memory_text("/bin/sh");
	return 0;
}

static int find_group(int root, const char *wanted, gid_t *out, struct sandbox_error *error)
{
	auto_finish(user_file_finish) struct user_file file = {0};
	struct user_group group;
	char *cursor;
	int result;

	if (is_number(wanted))
		return parse_id(wanted, out) ? 0 : explain_number("group", wanted, error);
	result = user_file_load(root, "etc/group", &file, error);
	if (result < 0)
		return result;

	cursor = file.data;
	while (user_next_group(&cursor, file.end, &group)) {
		if (strcmp(group.name, wanted) != 0)
			continue;
		*out = group.gid;
		return 0;
	}
	return explain_unknown("group", wanted, "/etc/group", error);
}

static bool has_member(char *members, const char *name)
{
	char *rest = members, *member;

	while ((member = strsep(&rest, ",")))
		if (strcmp(member, name) == 0)
			return true;
	return false;
}

static bool has_group(const struct user_identity *user, gid_t gid)
{
	for (size_t i = 0; i < user->group_count; i++)
		if (user->groups[i] == gid)
			return true;
	return false;
}

static int add_supplementary(
	int root, const struct idmap *map, struct user_identity *out, struct sandbox_error *error)
{
	auto_finish(user_file_finish) struct user_file file = {0};
	struct user_group group;
	char *cursor;
	int result = user_file_load(root, "etc/group", &file, error);

	if (result < 0)
		return result;
	cursor = file.data;
	while (out->group_count < USER_GROUPS_MAX && user_next_group(&cursor, file.end, &group))
		if (has_member(group.members, out->name) && !has_group(out, group.gid) &&
			id_extents_lookup(&map->groups, group.gid, NULL))
			out->groups[out->group_count++] = group.gid;
	return 0;
}

int user_resolve_group(
	int root, const char *group, const struct idmap *map, gid_t *out, struct sandbox_error *error)
{
	gid_t gid = 0;
	int result = find_group(root, group, &gid, error);

	if (result < 0)
		return result;
	if (!id_extents_lookup(&map->groups, gid, NULL))
		return explain_unmapped("group", gid, &map->groups, map, error);
	*out = gid;
	return 0;
}

int user_resolve(int root, const char *request, const struct idmap *map, struct user_identity *out,
	struct sandbox_error *error)
{
	auto_free char *name = memory_text(request ? request : "");
	char *group = strchr(name, ':');
	int result;

	*out = (struct user_identity){0};
	if (group)
		*group++ = '\0';
	result = find_user(root, *name ? name : "0", out, error);
	if (result < 0)
		return result;
	if (!id_extents_lookup(&map->users, out->uid, NULL))
		return explain_unmapped("user", out->uid, &map->users, map, error);

	if (group && *group)
		return user_resolve_group(root, group, map, &out->gid, error);
	if (!id_extents_lookup(&map->groups, out->gid, NULL))
		return explain_unmapped("group", out->gid, &map->groups, map, error);
	return out->name ? add_supplementary(root, map, out, error) : 0;
}

int user_root_shell(int root, char **out, struct sandbox_error *error)
{
	auto_finish(user_finish) struct user_identity user = {0};
	int result = find_user(root, "0", &user, error);

	if (result == 0)
		*out = take_ptr(user.shell);
	return result;
}

int user_become(const struct user_identity *user, const struct idmap *map, struct sandbox_error *error)
{
	uid_t uids[3];
	gid_t gids[3];

	if (!map->single && !test_defence_removed("old-groups") && setgroups(user->group_count, user->groups) < 0)
		return error_set(error, errno, "set %zu supplementary groups", user->group_count);
	if (setresgid(user->gid, user->gid, user->gid) < 0)
		return error_set(error, errno, "become group %u", user->gid);
	if (setresuid(user->uid, user->uid, user->uid) < 0)
		return error_set(error, errno, "become user %u", user->uid);

	if (getresgid(&gids[0], &gids[1], &gids[2]) < 0 || getresuid(&uids[0], &uids[1], &uids[2]) < 0)
		return error_set(error, errno, "read the ids back");
	for (int i = 0; i < 3; i++)
		if (uids[i] != user->uid || gids[i] != user->gid)
			return error_set(error, EPERM, "ids are %u:%u after becoming %u:%u", uids[i], gids[i],
				user->uid, user->gid);
	return 0;
}

void user_finish(struct user_identity *user)
{
	if (!user)
		return;
	free(user->name);
	free(user->home);
	free(user->shell);
	*user = (struct user_identity){0};
}
