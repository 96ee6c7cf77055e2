/* What an image says about how it is to be run, below what the user has said: defaults < image < profile < options. */
#include <signal.h>
#include <string.h>

#include "base/memory.h"
#include "base/scope.h"
#include "base/signals.h"
#include "base/strings.h"
#include "image/image.h"
#include "runtime/plan.h"

static const char by_image[] = "image";

static void set_environment(struct plan *plan, const struct sandbox_spec *spec, const struct image_config *config)
{
	for (size_t i = 0; i < config->env.count; i++) {
		const char *assignment = config->env.items[i], *equals = strchr(assignment, '=');
		auto_free char *name = memory_text_n(assignment, (size_t)(equals - assignment));
		const char *origin = strings_variable(&plan->environment_origins, name);

		if (strings_contain(&spec->unsetenv, name))
			continue;
		/* Ours is only better than nothing; what comes from the user, or from his terminal, is meant. */
		if (origin && strcmp(origin, "default") != 0 && strcmp(origin, by_image) != 0)
			continue;
		strings_set_variable(&plan->environment, name, equals + 1);
		strings_set_variable(&plan->environment_origins, name, by_image);
	}
}

static void add_words(struct plan *plan, const struct sandbox_strings *words, const char *origin)
{
	for (size_t i = 0; i < words->count; i++) {
		sandbox_strings_add(&plan->command, words->items[i]);
		sandbox_strings_add(&plan->command_origins, origin);
	}
}

/*
 * As with Docker: the arguments replace the image's command and follow its entry point; an entry point of the user's
 * replaces both of the image, and an empty one stands for none.
 */
static void set_command(struct plan *plan, const struct sandbox_spec *spec, const struct image_config *config)
{
	struct sandbox_strings arguments = plan->command;
	const char *given = strings_variable(&spec->given, "entrypoint");

	plan->command = (struct sandbox_strings){0};
	if (!spec->entrypoint) {
		add_words(plan, &config->entrypoint, by_image);
	} else if (*spec->entrypoint) {
		sandbox_strings_add(&plan->command, spec->entrypoint);
		sandbox_strings_add(&plan->command_origins, given ? given : "--entrypoint");
	}
	if (arguments.count)
		add_words(plan, &arguments, "argument");
	else if (!spec->entrypoint)
		add_words(plan, &config->command, by_image);
	sandbox_strings_finish(&arguments);
}

int plan_decide_image(const struct sandbox_spec *spec, struct import_choice *out, struct sandbox_error *error)
{
	/* podman(1) takes a list in JSON, which would be looked for as a program here. */
	if (spec->entrypoint && *spec->entrypoint == '[') {
		error_set(error, 0, "--entrypoint \"%.64s\"", spec->entrypoint);
		error_cause(error, SANDBOX_E_USAGE, "it is one program, and no list");
		return error_fix(error, "give its arguments after the image: --entrypoint PROGRAM IMAGE ARG...");
	}
	return image_choice_read(spec->platform, spec->select, out, error);
}

void plan_apply_image(struct plan *plan, const struct sandbox_spec *spec, const struct image_config *config)
{
	set_environment(plan, spec, config);
	set_command(plan, spec, config);
	/* An image may say what no kernel knows. */
	if (!plan->stop_signal && config->stop_signal)
		plan->stop_signal = signal_parse(config->stop_signal);
	if (plan->stop_signal <= 0)
		plan->stop_signal = SIGTERM;
	if (!plan->user && config->user) {
		plan->user = memory_text(config->user);
		plan->user_of_image = true;
	}
	if (!spec->workdir && config->workdir) {
		free(plan->workdir);
		plan->workdir = memory_text(config->workdir);
		plan->workdir_of_image = true;
	}
}
