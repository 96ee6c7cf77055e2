#include "cli/global.h"

#include <stddef.h>
#include <stdlib.h>

#include "cli/import_limit_options.h"

const struct option_entry global_table[] = {
	{OPTION_TEXT, "root", 0, "DIR", "where images live (default ~/.cache/sandbox)",
		offsetof(struct global_options, paths.root)},
	{OPTION_TEXT, "state", 0, "DIR", "what must survive a cache clean (default ~/.local/state/sandbox)",
		offsetof(struct global_options, paths.state)},
	{OPTION_TEXT, "runroot", 0, "DIR", "live state (default $XDG_RUNTIME_DIR/sandbox)",
		offsetof(struct global_options, paths.runroot)},
	{OPTION_TEXT, "config", 0, "FILE", "the configuration (default ~/.config/sandbox/config; /dev/null: none)",
		offsetof(struct global_options, config), .typed_only = true},
	{OPTION_LIST, "profile", 0, "NAME", "run with the options in ~/.config/sandbox/profiles/NAME",
		offsetof(struct global_options, profiles)},
	{OPTION_FLAG, "debug", 'D', NULL, "tell what is done, in order", offsetof(struct global_options, debug)},
	{OPTION_FLAG, "quiet", 'q', NULL, "no notices, and no progress", offsetof(struct global_options, quiet)},
	{OPTION_FLAG, "version", 'v', NULL, "print the version", offsetof(struct global_options, version), .typed_only = true},
	{OPTION_END},
};

#define IMPORT_LIMIT(field) offsetof(struct global_options, import_limits.field)

const struct option_entry settings_table[] = {
	{OPTION_DURATION, "holder", 0, "DURATION", "keep ids mapped that long after a run",
		offsetof(struct global_options, holder)},
	IMPORT_LIMIT_OPTIONS(IMPORT_LIMIT),
	{OPTION_END},
};

void global_options_init(struct global_options *options)
{
	*options = (struct global_options){.import_limits = SANDBOX_IMPORT_LIMITS_DEFAULT};
}

void global_options_finish(struct global_options *options)
{
	free(options->paths.root);
	free(options->paths.state);
	free(options->paths.runroot);
	free(options->config);
	sandbox_strings_finish(&options->profiles);
}
