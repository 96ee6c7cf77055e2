/* The options before the command, and what a configuration file says for every command. */
#ifndef CLI_GLOBAL_H
#define CLI_GLOBAL_H

#include <stdbool.h>
#include <stdint.h>

#include <sandbox/import_limits.h>
#include <sandbox/strings.h>

#include "cli/option.h"
#include "cli/paths.h"

struct global_options {
	struct path_options paths;
	char *config;
	struct sandbox_strings profiles;
	uint64_t holder;
	struct sandbox_import_limits import_limits;
	bool debug;
	bool quiet;
	bool version;
};

extern const struct option_entry global_table[];

/* What only a configuration file can say, besides the options of the command line: sandbox-config(5). */
extern const struct option_entry settings_table[];

void global_options_init(struct global_options *options);
void global_options_finish(struct global_options *options);

#endif
