#include "cli/config.h"

#include <ctype.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <sandbox/strings.h>

#include "base/file.h"
#include "base/memory.h"
#include "base/scope.h"
#include "base/test_switch.h"
#include "cli/suggest.h"

enum { CONFIG_SIZE_MAX = 1 << 20 };

static int line_error(const struct config_file *file, const struct config_line *line, const char *fix,
	struct sandbox_error *error)
{
	error_set(error, 0, "%s:%u: %s", file->path, line->number, line->name);
	error_cause(error, SANDBOX_E_USAGE, "%s", "");
	return error_fix(error, "%s", fix);
}

/* Without the blanks around it. */
static char *trim(char *text)
{
	char *end;

	while (isspace((unsigned char)*text))
		text++;
	end = text + strlen(text);
	while (end > text && isspace((unsigned char)end[-1]))
		end--;
	*end = '\0';
	return text;
}

static int take_line(struct config_file *file, unsigned int number, char *text, struct sandbox_error *error)
{
	char *equals = strchr(text, '='), *value = NULL, *name;
	struct config_line *line;

	name = trim(text);
	if (!*name || *name == '#')
		return 0;
	if (equals) {
		*equals = '\0';
		value = trim(equals + 1);
		name = trim(name);
	}
	file->lines = memory_resize(file->lines, file->count + 1, sizeof(*file->lines));
	line = &file->lines[file->count++];
	*line = (struct config_line){number, memory_text(name), memory_text(value)};
	if (*name == '[')
		return line_error(file, line, "leave it out: there are no sections, and profiles are files", error);
	if (*name == '-')
		return line_error(file, line, "write the option's long name without dashes, as in: hostname = box", error);
	return *name ? 0 : line_error(file, line, "write NAME = VALUE", error);
}

/* What others can write could lend them all that is ours. */
static int check_owner(const struct config_file *file, int fd, struct sandbox_error *error)
{
	struct stat status;

	if (fstat(fd, &status) < 0)
		return error_set(error, errno, "stat %s", file->path);
	/* /dev/null says that there is none. */
	if (S_ISCHR(status.st_mode))
		return 0;
	if (!S_ISREG(status.st_mode)) {
		error_set(error, 0, "read %s", file->path);
		error_cause(error, SANDBOX_E_USAGE, "it is not a regular file");
		return error_fix(error, "name a text file; /dev/null means none");
	}
	if (test_defence_removed("config-owner"))
		return 0;
	if (status.st_uid != geteuid() && status.st_uid != 0) {
		error_set(error, EPERM, "read %s", file->path);
		error_cause(error, SANDBOX_E_USAGE, "it belongs to user %u, who could change what your sandboxes may do",
			status.st_uid);
		return error_fix(error, "copy it to a file of yours");
	}
	if (status.st_mode & (S_IWGRP | S_IWOTH)) {
		error_set(error, EPERM, "read %s", file->path);
		error_cause(error, SANDBOX_E_USAGE, "others can write it, and so change what your sandboxes may do");
		return error_fix(error, "chmod go-w %s", file->path);
	}
	return 0;
}

static int read_lines(struct config_file *file, int fd, struct sandbox_error *error)
{
	auto_free char *text = NULL;
	unsigned int number = 0;
	char *rest, *line;
	size_t size;
	int result = file_read_fd(fd, file->path, CONFIG_SIZE_MAX, &text, &size, error);

	if (result == 0 && strlen(text) != size) {
		result = error_set(error, 0, "read %s: it holds a NUL byte", file->path);
		(void)error_fix(error, "name a text file");
	}
	rest = text;
	while (result == 0 && (line = strsep(&rest, "\n")))
		result = take_line(file, ++number, line, error);
	return result;
}

int config_read(const char *path, const char *origin, bool optional, struct config_file *out,
	struct sandbox_error *error)
{
	auto_close int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);
	int result;

	*out = (struct config_file){.path = memory_text(path), .origin = memory_text(origin)};
	if (fd < 0) {
		if (optional && (errno == ENOENT || errno == ENOTDIR))
			return 0;
		error_set(error, errno, "read the %s: open %s", origin, path);
		return error_fix(error, "check the path, and that you may read it (sandbox-config(5))");
	}
	result = check_owner(out, fd, error);
	return result < 0 ? result : read_lines(out, fd, error);
}

static int unknown_profile(const char *directory, const char *path, const char *name, struct sandbox_error *error)
{
	auto_finish(sandbox_strings_finish) struct sandbox_strings profiles = {0};
	struct suggestion suggestion = SUGGESTION_INIT(name);
	auto_closedir DIR *stream = opendir(directory);
	struct dirent *entry;

	error_set(error, 0, "there is no profile %s", name);
	error_cause(error, SANDBOX_E_USAGE, "no file %s", path);
	while (stream && (entry = readdir(stream)))
		if (entry->d_name[0] != '.')
			sandbox_strings_add(&profiles, entry->d_name);
	for (size_t i = 0; i < profiles.count; i++)
		suggestion_consider(&suggestion, profiles.items[i]);
	if (suggestion.word)
		return error_fix(error, "did you mean --profile %s?", suggestion.word);
	return error_fix(error, "write that file (sandbox-config(5)), or name a file with a slash in its path");
}

static int refuse_without_home(const char *name, struct sandbox_error *error)
{
	error_set(error, 0, "there is no profile %s", name);
	error_cause(error, SANDBOX_E_HOME_UNUSABLE, "HOME is not set and the system knows no home of this user");
	return error_fix(error, "set HOME, or name a file with a slash in its path");
}

int config_read_profile(const char *directory, const char *name, struct config_file *out, struct sandbox_error *error)
{
	auto_free char *origin = memory_format("profile %s", name), *path = NULL;
	bool is_path = strchr(name, '/') != NULL;

	if (!is_path && !directory)
		return refuse_without_home(name, error);
	path = is_path ? memory_text(name) : memory_format("%s/%s", directory, name);
	if (!is_path && (*name == '.' || !*name || access(path, F_OK) < 0))
		return unknown_profile(directory, path, name, error);
	return config_read(path, origin, false, out, error);
}

/* The option of a name in a file; the first table that has it decides. */
static const struct option_entry *find_name(const char *name, const struct option_entry *const *tables,
	struct suggestion *suggestion)
{
	const struct option_entry *entry = NULL;

	for (; *tables && !entry; tables++)
		entry = option_find(*tables, name, suggestion);
	return entry;
}

static int unknown_name(const struct config_file *file, const struct config_line *line,
	const struct suggestion *suggestion, struct sandbox_error *error)
{
	auto_free char *fix = suggestion->word ? memory_format("did you mean %s?", suggestion->word)
			: memory_text("names are the long options of `sandbox run --help`; some are of the configuration alone "
				"(sandbox-config(5))");

	error_set(error, 0, "%s:%u: unknown name \"%s\"", file->path, line->number, line->name);
	error_cause(error, SANDBOX_E_USAGE, "%s", "");
	return error_fix(error, "%s", fix);
}

int config_check(const struct config_file *file, const struct option_entry *const *tables, struct sandbox_error *error)
{
	for (size_t i = 0; i < file->count; i++) {
		const struct config_line *line = &file->lines[i];
		struct suggestion suggestion = SUGGESTION_INIT(line->name);
		const struct option_entry *entry = find_name(line->name, tables, &suggestion);

		if (!entry)
			return unknown_name(file, line, &suggestion, error);
		if (entry->typed_only)
			return line_error(file, line, "give it on the command line: it is about one command", error);
	}
	return 0;
}

int config_apply(const struct config_file *file, const struct option_entry *table, const char *const *refused,
	void *target, struct sandbox_error *error)
{
	for (size_t i = 0; i < file->count; i++) {
		const struct config_line *line = &file->lines[i];
		const struct option_entry *entry = option_find(table, line->name, NULL);
		int result = 0;

		if (entry && !entry->typed_only && !option_is_refused(entry, refused))
			result = option_assign(table, target, line->name, line->value, file->origin, error);
		if (result < 0) {
			error_wrap(error, "%s:%u", file->path, line->number);
			return *error->fix ? -EINVAL : error_fix(error, "see sandbox-config(5), and `sandbox run --help`");
		}
	}
	return 0;
}

void config_finish(struct config_file *file)
{
	for (size_t i = 0; i < file->count; i++) {
		free(file->lines[i].name);
		free(file->lines[i].value);
	}
	free(file->lines);
	free(file->path);
	free(file->origin);
	*file = (struct config_file){0};
}
