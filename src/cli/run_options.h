/* What a command line of `sandbox run` or `create` says, together with the configuration and the profiles that it stands on. */
#ifndef CLI_RUN_OPTIONS_H
#define CLI_RUN_OPTIONS_H

#include <stdbool.h>

#include <sandbox/spec.h>
#include <sandbox/strings.h>

#include "base/error.h"
#include "cli/command.h"

struct run_options {
	struct sandbox_spec spec;
	char *summary;
	struct sandbox_strings profiles;
	bool dry_run;
	bool json;
};

/*
 * Reads it all, the command to run as well; *out_image is the word that names the image. With --help, which is
 * answered, *out_done is set. 0 or -errno; *out is to be finished in either case.
 */
int run_options_read(const struct cli *cli, const struct command *command, int argc, char **argv, struct run_options *out,
	const char **out_image, bool *out_done, struct sandbox_error *error);
void run_options_finish(struct run_options *options);

#endif
