/* Deciding what the payload may do: capabilities, the filter, limits, masks. */
#include <string.h>

#include "base/memory.h"
#include "base/scope.h"
#include "base/text.h"
#include "runtime/plan.h"
#include "security/capability.h"
#include "security/seccomp_profile.h"

static int option_error(const char *text, const char *fix, struct sandbox_error *error)
{
	error_set(error, 0, "--security-opt \"%s\"", text);
	error_cause(error, SANDBOX_E_USAGE, "it is not one of the options that are known, or its value is not");
	return error_fix(error, "%s", fix);
}

/* PATH[:PATH…], each absolute. */
static int take_paths(const char *text, const char *paths, struct sandbox_strings *out, struct sandbox_error *error)
{
	auto_free char *copy = memory_text(paths);
	char *rest = copy, *path;

	while ((path = strsep(&rest, ":"))) {
		if (*path != '/' || strstr(path, ".."))
			return option_error(text, "write absolute paths, separated by colons", error);
		sandbox_strings_add(out, path);
	}
	return 0;
}

/* *out_filter: "default", "unconfined" or the path of a profile. Borrowed. */
static int decide_option(const char *text, struct plan *plan, const char **out_filter, struct sandbox_error *error)
{
	if (text_starts_with(text, "seccomp=") && text[strlen("seccomp=")]) {
		*out_filter = text + strlen("seccomp=");
		return 0;
	}
	if (strcmp(text, "no-new-privileges") == 0 || strcmp(text, "no-new-privileges=true") == 0) {
		plan->no_new_privs = true;
		return 0;
	}
	if (strcmp(text, "no-new-privileges=false") == 0) {
		plan->no_new_privs = false;
		return 0;
	}
	if (strcmp(text, "unmask=ALL") == 0) {
		plan->unmask_all = true;
		return 0;
	}
	if (text_starts_with(text, "unmask="))
		return take_paths(text, text + strlen("unmask="), &plan->unmasked, error);
	if (text_starts_with(text, "mask="))
		return take_paths(text, text + strlen("mask="), &plan->masked, error);
	return option_error(text, "use seccomp=FILE|default|unconfined, no-new-privileges=false, mask=PATH, unmask=PATH "
		"or unmask=ALL", error);
}

static int decide_rlimits(const struct sandbox_spec *spec, struct rlimit_list *out, struct sandbox_error *error)
{
	for (size_t i = 0; i < spec->ulimit.count; i++) {
		int result = rlimit_add(out, spec->ulimit.items[i], error);

		if (result < 0)
			return result;
	}
	rlimit_add_stack_of_caller(out);
	return rlimit_check(out, error);
}

static int decide_filter(const struct sandbox_spec *spec, const char *filter, struct plan *plan,
	struct sandbox_error *error)
{
	const struct seccomp_policy policy = {.capabilities = plan->capabilities, .nesting = spec->nesting};

	if (strcmp(filter, "unconfined") == 0)
		return 0;
	if (strcmp(filter, "default") == 0)
		return seccomp_filter_compile(&policy, &plan->seccomp, error);
	return seccomp_profile_load(filter, plan->capabilities, &plan->seccomp, &plan->seccomp_profile, &plan->seccomp_text,
		error);
}

int plan_decide_security(const struct sandbox_spec *spec, struct plan *plan, struct sandbox_error *error)
{
	const char *filter = "default";
	int result = capability_decide(&spec->cap_add, &spec->cap_drop, &plan->capabilities, error);

	plan->no_new_privs = true;
	for (size_t i = 0; i < spec->security_opt.count && result == 0; i++)
		result = decide_option(spec->security_opt.items[i], plan, &filter, error);
	if (result < 0)
		return result;
	/* Set-user-ID programs of the image mean something only where they may gain privileges. */
	plan->root.nosuid = plan->no_new_privs;
	result = decide_filter(spec, filter, plan, error);
	return result < 0 ? result : decide_rlimits(spec, &plan->rlimits, error);
}
