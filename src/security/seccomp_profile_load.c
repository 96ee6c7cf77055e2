/* From what the user names to the filter that is loaded. */
#include "security/seccomp_profile.h"

#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/utsname.h>

#include "base/file.h"
#include "base/memory.h"
#include "base/scope.h"

enum { FILE_SIZE_MAX = 1 << 20 };

static void probe_kernel(struct seccomp_circumstances *out)
{
	struct utsname name;

	if (uname(&name) < 0 || sscanf(name.release, "%u.%u", &out->kernel_major, &out->kernel_minor) != 2)
		out->kernel_major = out->kernel_minor = 0;
}

static char *summarize(const char *path, const struct seccomp_profile *profile)
{
	const struct seccomp_architecture *machine = seccomp_machines[SECCOMP_OWN_MACHINE];
	size_t conditions = 0;

	for (size_t i = 0; i < profile->rule_count; i++)
		conditions += profile->rules[i].condition_count > 0;
	return memory_format("profile %s: %zu rules in force, %zu of them by argument; %s%s%s", path, profile->rule_count,
		conditions, machine[0].name, profile->compat ? " and " : "", profile->compat ? machine[1].name : "");
}

static bool is_text(const char *given)
{
	return *given == '{';
}

static int read_text(const char *given, char **out_text, size_t *out_size, struct sandbox_error *error)
{
	int result = 0;

	if (is_text(given)) {
		*out_text = memory_text(given);
		*out_size = strlen(given);
		return 0;
	}
	result = file_read(AT_FDCWD, given, FILE_SIZE_MAX, out_text, out_size, error);
	if (result == 0)
		return 0;
	(void)error_wrap(error, "system call profile");
	(void)error_cause(error, SANDBOX_E_SECCOMP_PROFILE, "it must be a file of 1 MiB at most that you may read");
	return error_fix(error, "give the path of one, or use --security-opt seccomp=default");
}

int seccomp_profile_load(const char *given, uint64_t capabilities, struct seccomp_program *out, char **out_summary,
	char **out_text, struct sandbox_error *error)
{
	struct seccomp_circumstances circumstances = {.machine = SECCOMP_OWN_MACHINE, .capabilities = capabilities};
	auto_finish(seccomp_profile_finish) struct seccomp_profile profile = {0};
	const char *name = is_text(given) ? "given as text" : given;
	auto_free char *text = NULL;
	size_t size;
	int result = read_text(given, &text, &size, error);

	if (result < 0)
		return result;
	probe_kernel(&circumstances);
	result = seccomp_profile_parse(text, size, name, &circumstances, &profile, error);
	if (result == 0 && seccomp_profile_compile(&profile, SECCOMP_OWN_MACHINE, out, error) < 0)
		result = seccomp_profile_explain(name, error);
	if (result < 0)
		return result;
	*out_summary = summarize(name, &profile);
	/* JSON may begin with blanks; a text that is given does not. */
	*out_text = memory_text(text + strspn(text, " \t\r\n"));
	return 0;
}
