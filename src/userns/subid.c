#include "userns/subid.h"

#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/file.h"
#include "base/memory.h"
#include "base/packages.h"
#include "base/scope.h"
#include "base/spawn.h"
#include "base/text.h"

enum { SUBID_FILE_MAX = 4 << 20 };

/* The last id of 32 bits means "no change" to chown(2) and setuid(2). */
static const uint64_t id_last = UINT32_MAX - 1;

static const char *const subid_files[] = {[SUBID_USERS] = "/etc/subuid", [SUBID_GROUPS] = "/etc/subgid"};
static const char getsubids_program[] = "/usr/bin/getsubids";

void id_ranges_finish(struct id_ranges *ranges)
{
	free(ranges->items);
	ranges->items = NULL;
	ranges->count = 0;
}

void id_ranges_add(struct id_ranges *ranges, uint32_t first, uint32_t count)
{
	ranges->items = memory_resize(ranges->items, ranges->count + 1, sizeof(*ranges->items));
	ranges->items[ranges->count++] = (struct id_range){first, count};
}

static bool ranges_overlap(const struct id_range *left, uint64_t first, uint64_t count)
{
	return first < (uint64_t)left->first + left->count && left->first < first + count;
}

static int subid_invalid(struct sandbox_error *error, const char *file_name, const char *line, const char *why)
{
	error_set(error, EINVAL, "read %s: line \"%s\"", file_name, line);
	error_cause(error, SANDBOX_E_SUBID_INVALID, "%s", why);
	return error_fix(error, "correct %s, or run with --userns=single", file_name);
}

/* Checks one range of ours against the rules of the header and appends it. */
static int subid_add(struct id_ranges *out, uint32_t own_id, const char *first_text, const char *count_text,
	const char *file_name, const char *line, struct sandbox_error *error)
{
	uint64_t first, count;

	if (!text_parse_unsigned(first_text, UINT64_MAX, &first) ||
	    !text_parse_unsigned(count_text, UINT64_MAX, &count))
		return subid_invalid(error, file_name, line, "the range is not two decimal numbers");
	if (count == 0)
		return 0;
	if (first == 0)
		return subid_invalid(error, file_name, line, "the range would give away the host's root");
	if (first > id_last || count > id_last - first + 1)
		return subid_invalid(error, file_name, line, "the range ends above 4294967294");
	if (own_id >= first && own_id - first < count)
		return subid_invalid(error, file_name, line, "the range holds the user's own id");
	for (size_t i = 0; i < out->count; i++)
		if (ranges_overlap(&out->items[i], first, count))
			return subid_invalid(error, file_name, line, "the range overlaps another one of the same user");
	id_ranges_add(out, (uint32_t)first, (uint32_t)count);
	return 0;
}

/* Splits "name:first:count" in place. */
static bool subid_split(char *line, char **out_name, char **out_first, char **out_count)
{
	*out_name = line;
	*out_first = strchr(line, ':');
	if (!*out_first)
		return false;
	*(*out_first)++ = '\0';
	*out_count = strchr(*out_first, ':');
	if (!*out_count)
		return false;
	*(*out_count)++ = '\0';
	return true;
}

static bool subid_is_for(const char *name, const char *user, uint32_t own_id)
{
	uint64_t number;

	return strcmp(name, user) == 0 || (text_parse_unsigned(name, UINT32_MAX, &number) && number == own_id);
}

/* Every range of a subuid(5) text that can be read, whoever has it. */
static void collect_all(const char *text, struct id_ranges *out)
{
	auto_free char *copy = memory_text(text);
	char *rest = copy, *line;

	while ((line = strsep(&rest, "\n"))) {
		char *name, *first_text, *count_text;
		uint64_t first, count;

		if (*line != '#' && subid_split(line, &name, &first_text, &count_text) &&
		    text_parse_unsigned(first_text, UINT32_MAX, &first) &&
		    text_parse_unsigned(count_text, UINT32_MAX, &count))
			id_ranges_add(out, (uint32_t)first, (uint32_t)count);
	}
}

uint32_t subid_find_free(const struct id_ranges *taken)
{
	for (uint64_t first = SUBID_SUGGESTED_FIRST; first + SUBID_SUGGESTED_COUNT <= INT32_MAX; first += SUBID_SUGGESTED_COUNT) {
		bool is_free = true;

		for (size_t i = 0; i < taken->count && is_free; i++)
			is_free = !ranges_overlap(&taken->items[i], first, SUBID_SUGGESTED_COUNT);
		if (is_free)
			return (uint32_t)first;
	}
	return 0;
}

/* A free range in the place of the bad line: names that a shell or sed(1) would take for something else are left out. */
static int suggest_other_line(const char *text, size_t number, const char *file_name, const char *user,
	struct sandbox_error *error)
{
	auto_finish(id_ranges_finish) struct id_ranges taken = {0};
	static const char plain[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_.-";

	if (user[strspn(user, plain)])
		return -EINVAL;
	collect_all(text, &taken);
	return error_fix(error, "sudo sed -i '%zus/.*/%s:%u:%d/' %s", number, user, subid_find_free(&taken),
		SUBID_SUGGESTED_COUNT, file_name);
}

int subid_parse(const char *text, const char *file_name, const char *user, uint32_t own_id,
	struct id_ranges *out, struct sandbox_error *error)
{
	auto_free char *copy = memory_text(text);
	char *rest = copy, *line;

	for (size_t number = 1; (line = strsep(&rest, "\n")); number++) {
		char shown[128], *name, *first, *count;
		int result;

		(void)snprintf(shown, sizeof(shown), "%s", line);
		if (*line == '#' || !subid_split(line, &name, &first, &count) || !subid_is_for(name, user, own_id))
			continue;
		result = subid_add(out, own_id, first, count, file_name, shown, error);
		if (result < 0) {
			(void)suggest_other_line(text, number, file_name, user, error);
			return result;
		}
	}
	return 0;
}

/* Whether nsswitch.conf(5) says that subordinate ids come from somewhere else than the files. */
static bool subid_source_is_files(void)
{
	auto_free char *text = NULL;
	char *rest, *line;

	if (file_read(AT_FDCWD, "/etc/nsswitch.conf", SUBID_FILE_MAX, &text, NULL, NULL) < 0)
		return true;
	rest = text;
	while ((line = strsep(&rest, "\n"))) {
		if (!text_starts_with(line, "subid:"))
			continue;
		line += strlen("subid:");
		line += strspn(line, " \t");
		return text_starts_with(line, "files") || !*line;
	}
	return true;
}

/* getsubids(1) prints lines such as "0: alice 100000 65536". */
static int subid_parse_getsubids(char *text, uint32_t own_id, struct id_ranges *out, struct sandbox_error *error)
{
	char *rest = text, *line;

	while ((line = strsep(&rest, "\n"))) {
		char shown[128], *word, *words[4] = {0};
		size_t count = 0;
		int result;

		(void)snprintf(shown, sizeof(shown), "%s", line);
		while (count < array_count(words) && (word = strsep(&line, " ")))
			if (*word)
				words[count++] = word;
		if (count < array_count(words))
			continue;
		result = subid_add(out, own_id, words[2], words[3], getsubids_program, shown, error);
		if (result < 0)
			return result;
	}
	return 0;
}

static int subid_explain_getsubids(struct sandbox_error *error)
{
	static const struct package_names package = {"uidmap", "shadow-utils-subid", "shadow", "shadow", "shadow-subids"};
	char command[128];

	error_cause(error, SANDBOX_E_SUBID_MISSING, "/etc/nsswitch.conf says that subordinate ids do not come from files, "
		"and the program that asks elsewhere is not installed");
	return error_fix(error, "%s", packages_install_command(&package, command, sizeof(command)));
}

static int subid_ask_getsubids(enum subid_kind kind, const char *user, uint32_t own_id, struct id_ranges *out,
	struct sandbox_error *error)
{
	char *arguments[4] = {(char *)getsubids_program, NULL};
	auto_finish(spawn_finish) struct spawn helper = SPAWN_INIT;
	auto_free char *output = NULL;
	int status, result, used = 1;

	if (kind == SUBID_GROUPS)
		arguments[used++] = (char *)"-g";
	arguments[used] = (char *)user;
	result = spawn_start(&helper, arguments, error);
	if (result == -ENOENT)
		return subid_explain_getsubids(error);
	if (result == 0)
		result = spawn_wait(&helper, &status, &output, error);
	if (result < 0)
		return result;
	/* It exits with 1 when the user has no range. */
	if (!WIFEXITED(status) || WEXITSTATUS(status) != 0)
		return 0;
	return subid_parse_getsubids(output, own_id, out, error);
}

int subid_load(enum subid_kind kind, const char *user, uint32_t own_id, struct id_ranges *out,
	struct sandbox_error *error)
{
	auto_free char *text = NULL;
	int result;

	if (!subid_source_is_files())
		return subid_ask_getsubids(kind, user, own_id, out, error);
	result = file_read(AT_FDCWD, subid_files[kind], SUBID_FILE_MAX, &text, NULL, error);
	if (result == -ENOENT)
		return 0;
	if (result < 0) {
		error_cause(error, SANDBOX_E_SUBID_INVALID, "it is no readable file of a sensible size");
		return error_fix(error, "correct %s, or run with --userns=single", subid_files[kind]);
	}
	return subid_parse(text, subid_files[kind], user, own_id, out, error);
}

int subid_load_all(enum subid_kind kind, struct id_ranges *out, struct sandbox_error *error)
{
	auto_free char *text = NULL;
	int result = file_read(AT_FDCWD, subid_files[kind], SUBID_FILE_MAX, &text, NULL, error);

	if (result < 0)
		return result == -ENOENT ? 0 : result;
	collect_all(text, out);
	return 0;
}

int subid_find_shared(enum subid_kind kind, const char *user, uint32_t own_id, const struct id_ranges *own,
	struct id_range *out, struct sandbox_error *error)
{
	auto_free char *text = NULL;
	char *rest, *line;
	int result;

	if (!subid_source_is_files())
		return 0;
	result = file_read(AT_FDCWD, subid_files[kind], SUBID_FILE_MAX, &text, NULL, error);
	if (result < 0)
		return result == -ENOENT ? 0 : result;
	rest = text;
	while ((line = strsep(&rest, "\n"))) {
		char *name, *first_text, *count_text;
		uint64_t first, count;

		if (*line == '#' || !subid_split(line, &name, &first_text, &count_text) || subid_is_for(name, user, own_id) ||
		    !text_parse_unsigned(first_text, UINT32_MAX, &first) ||
		    !text_parse_unsigned(count_text, UINT32_MAX, &count))
			continue;
		for (size_t i = 0; i < own->count; i++)
			if (ranges_overlap(&own->items[i], first, count)) {
				*out = own->items[i];
				return 1;
			}
	}
	return 0;
}

/* The options of usermod(8) that add a range which nobody has; `also` comes before them. */
static int suggest_range(const char *user, const char *also, struct sandbox_error *error)
{
	auto_finish(id_ranges_finish) struct id_ranges taken = {0};
	uint32_t first;

	if (!subid_source_is_files())
		return error_fix(error, "have a range added where /etc/nsswitch.conf says that they come from");
	(void)subid_load_all(SUBID_USERS, &taken, NULL);
	(void)subid_load_all(SUBID_GROUPS, &taken, NULL);
	first = subid_find_free(&taken);
	if (!first)
		return error_fix(error, "make room in /etc/subuid and /etc/subgid: every range is given away");
	return error_fix(error, "sudo usermod %s--add-subuids %u-%u --add-subgids %u-%u %s", also, first,
		first + SUBID_SUGGESTED_COUNT - 1, first, first + SUBID_SUGGESTED_COUNT - 1, user);
}

int subid_explain_missing(enum subid_kind kind, const char *user, struct sandbox_error *error)
{
	error_set(error, ENOENT, "map ids");
	error_cause(error, SANDBOX_E_SUBID_MISSING, "%s has no range for %s",
		subid_source_is_files() ? subid_files[kind] : "the source of subordinate ids", user);
	return suggest_range(user, "", error);
}

int subid_explain_few(const char *user, struct sandbox_error *error)
{
	error_set(error, 0, "map the ids of all files");
	error_cause(error, SANDBOX_E_SUBID_FEW, "images have files of the ids 0 to %d (nobody), and %s has not so many",
		SUBID_ENOUGH, user);
	return suggest_range(user, "", error);
}

int subid_explain_shared(enum subid_kind kind, const char *user, const struct id_range *shared, struct sandbox_error *error)
{
	uint32_t last = shared->first + shared->count - 1;
	/* As a rule both files have the same. */
	auto_free char *removal = memory_format("--del-subuids %u-%u --del-subgids %u-%u ", shared->first, last,
		shared->first, last);

	error_set(error, 0, "keep your ids to yourself");
	error_cause(error, SANDBOX_E_SUBID_SHARED, "%s gives %u:%u to %s, and some of it to another user, whose sandboxes can "
		"change the files of yours", subid_files[kind], shared->first, shared->count, user);
	return suggest_range(user, removal, error);
}
