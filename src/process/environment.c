#include "process/environment.h"

#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/file.h"
#include "base/memory.h"
#include "base/scope.h"
#include "base/strings.h"
#include "base/test_switch.h"
#include "base/text.h"

enum { ENV_FILE_MAX = 1 << 20 };

static const char default_path[] = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";

/* A list under construction: the variables, and where each comes from. */
struct environment {
	struct sandbox_strings *variables;
	struct sandbox_strings *origins;
	struct sandbox_strings *asked; /* or NULL */
};

static void environment_set(const struct environment *out, const char *name, const char *value, const char *source)
{
	strings_set_variable(out->variables, name, value);
	strings_set_variable(out->origins, name, source);
}

static int environment_assign(const struct environment *out, const char *assignment, const char *source,
	struct sandbox_error *error)
{
	const char *equals = strchr(assignment, '=');
	size_t length = equals ? (size_t)(equals - assignment) : strlen(assignment);
	auto_free char *name = memory_text_n(assignment, length);
	const char *value = equals ? equals + 1 : getenv(name);

	if (length == 0) {
		error_set(error, 0, "%s: \"%s\"", source, assignment);
		error_cause(error, SANDBOX_E_USAGE, "it names no variable");
		return error_fix(error, "write NAME=VALUE, or NAME to take the present value");
	}
	if (value)
		environment_set(out, name, value, source);
	if (value && out->asked)
		strings_set_variable(out->asked, name, value);
	return 0;
}

static int environment_read_file(const struct environment *out, const char *path, struct sandbox_error *error)
{
	auto_free char *text = NULL;
	char *rest, *line;
	size_t size;
	int result = file_read(AT_FDCWD, path, ENV_FILE_MAX, &text, &size, error);

	if (result < 0 || strlen(text) != size) {
		if (result == 0)
			error_set(error, 0, "open %s: it holds a NUL byte", path);
		error_wrap(error, "read the environment file");
		return error_fix(error, "--env-file wants a text file of yours with NAME=VALUE lines");
	}
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

/* What would be wrong inside. */
static const char *const callers_own[] = {"HOME", "HOSTNAME", "OLDPWD", "PATH", "PWD", "SHLVL", "TMPDIR", "_"};

static bool is_callers_own(const char *assignment)
{
	for (size_t i = 0; i < array_count(callers_own); i++)
		if (text_starts_with(assignment, callers_own[i]) && assignment[strlen(callers_own[i])] == '=')
			return true;
	return text_starts_with(assignment, "XDG_");
}

static int environment_inherit(const struct environment *out, struct sandbox_error *error)
{
	/* For the test that they stay outside. */
	bool all = test_defence_removed("environment");
	int result = 0;

	for (size_t i = 0; environ[i] && result == 0; i++)
		if (strchr(environ[i], '=') && (all || !is_callers_own(environ[i])))
			result = environment_assign(out, environ[i], "--env-host", error);
	return result;
}

static int environment_remove(const struct environment *out, const char *name, struct sandbox_error *error)
{
	if (*name && !strchr(name, '=')) {
		strings_remove_variable(out->variables, name);
		return 0;
	}
	error_set(error, 0, "--unsetenv \"%s\"", name);
	error_cause(error, SANDBOX_E_USAGE, "it is not the name of a variable");
	return error_fix(error, "write the name alone: --unsetenv LANG");
}

/* Only what is asked for, and nothing that depends on a terminal or the machine. */
static int environment_ask(const struct environment_request *request, struct sandbox_strings *out,
	struct sandbox_strings *origins, struct sandbox_error *error)
{
	const struct environment environment = {out, origins, request->asked};
	const char *origin = request->assignments_origin ? request->assignments_origin : "--env";
	int result = 0;

	if (request->host || test_defence_removed("environment"))
		result = environment_inherit(&environment, error);
	for (size_t i = 0; i < request->files->count && result == 0; i++)
		result = environment_read_file(&environment, request->files->items[i], error);
	for (size_t i = 0; i < request->assignments->count && result == 0; i++)
		result = environment_assign(&environment, request->assignments->items[i], origin, error);
	for (size_t i = 0; i < request->removed->count && result == 0; i++)
		result = environment_remove(&environment, request->removed->items[i], error);
	return result;
}

int environment_extend(const struct environment_request *request, struct sandbox_strings *out,
	struct sandbox_strings *origins, struct sandbox_error *error)
{
	const struct environment environment = {out, origins, NULL};
	const char *term = getenv("TERM");

	if (term && terminal_is_attached())
		environment_set(&environment, "TERM", term, "the caller's, for its terminal");
	return environment_ask(request, out, origins, error);
}

int environment_decide(const struct environment_request *request, const char *hostname, struct sandbox_strings *out,
	struct sandbox_strings *origins, struct sandbox_error *error)
{
	const struct environment environment = {out, origins, NULL};

	environment_set(&environment, "PATH", default_path, "default");
	environment_set(&environment, "HOSTNAME", hostname, "default");
	return environment_extend(request, out, origins, error);
}
