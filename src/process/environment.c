#include "process/environment.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/file.h"
#include "base/memory.h"
#include "base/scope.h"
#include "base/strings.h"
#include "base/test_switch.h"

enum { ENV_FILE_MAX = 1 << 20 };

static const char default_path[] = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";

static int environment_assign(struct sandbox_strings *out, const char *assignment, const char *source,
	struct sandbox_error *error)
{
	const char *equals = strchr(assignment, '=');
	size_t length = equals ? (size_t)(equals - assignment) : strlen(assignment);
	auto_free char *name = memory_text_n(assignment, length);
	const char *value = equals ? equals + 1 : getenv(name);

	if (length == 0) {
		error_set(error, EINVAL, "%s: \"%s\" names no variable", source, assignment);
		return error_fix(error, "write NAME=VALUE, or NAME to take the present value");
	}
	if (value)
		strings_set_variable(out, name, value);
	return 0;
}

static int environment_read_file(struct sandbox_strings *out, const char *path, struct sandbox_error *error)
{
	auto_free char *text = NULL;
	char *rest, *line;
	size_t size;
	int result = file_read(AT_FDCWD, path, ENV_FILE_MAX, &text, &size, error);

	if (result < 0)
		return error_wrap(error, "read the environment file");
	if (strlen(text) != size)
		return error_set(error, EINVAL, "read the environment file %s: it holds a NUL byte", path);
	rest = text;
	while ((line = strsep(&rest, "\n")) && result == 0) {
		line += strspn(line, " \t");
		if (*line && *line != '#')
			result = environment_assign(out, line, path, error);
	}
	return result;
}

static bool terminal_is_attached(void)
{
	return isatty(STDIN_FILENO) || isatty(STDOUT_FILENO) || isatty(STDERR_FILENO);
}

/* For the test that the caller's variables stay outside: all of them. */
static int environment_inherit(struct sandbox_strings *out, struct sandbox_error *error)
{
	int result = 0;

	for (size_t i = 0; environ[i] && result == 0; i++)
		result = environment_assign(out, environ[i], "the environment", error);
	return result;
}

int environment_decide(const struct sandbox_strings *files, const struct sandbox_strings *assignments,
	const char *hostname, struct sandbox_strings *out, struct sandbox_error *error)
{
	const char *term = getenv("TERM");
	int result = test_defence_removed("environment") ? environment_inherit(out, error) : 0;

	strings_set_variable(out, "PATH", default_path);
	strings_set_variable(out, "HOSTNAME", hostname);
	if (term && terminal_is_attached())
		strings_set_variable(out, "TERM", term);
	for (size_t i = 0; i < files->count && result == 0; i++)
		result = environment_read_file(out, files->items[i], error);
	for (size_t i = 0; i < assignments->count && result == 0; i++)
		result = environment_assign(out, assignments->items[i], "--env", error);
	return result;
}
