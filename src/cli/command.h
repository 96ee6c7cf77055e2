/*
 * One file per command, each exporting one descriptor; command.c lists them. A command returns the exit
 * status of the program; a failure has been printed by then (output.h).
 */
#ifndef CLI_COMMAND_H
#define CLI_COMMAND_H

#include <stdint.h>

#include <sandbox/import_limits.h>
#include <sandbox/strings.h>

#include "base/error.h"
#include "cli/config.h"
#include "cli/option.h"

/* What the global options, the environment and the configuration say. Paths are absolute. */
struct cli {
	char *store;   /* images and layers: --root, else $XDG_CACHE_HOME/sandbox */
	char *state;   /* what must survive a cache clean: --state, else $XDG_STATE_HOME/sandbox */
	struct sandbox_strings profiles; /* --profile, and what the configuration says of it */
	char *profile_directory;         /* where profiles are looked for: $XDG_CONFIG_HOME/sandbox/profiles; or NULL */
	struct config_file config;       /* its lines for the command: config_apply */
	uint64_t holder;                 /* the setting of that name, in milliseconds */
	struct sandbox_import_limits import_limits; /* the settings */
	char *runtime; /* gone at reboot: --runroot, else $XDG_RUNTIME_DIR/sandbox; NULL where there is none */
};

struct command;

/* A command of a command: `sandbox image verify`. A table of them ends with NULL. */
struct subcommand {
	const char *word;
	const struct command *command;
};

struct command {
	const char *name; /* of a command of another both words */
	const char *operands; /* how usage shows them: "IMAGE [COMMAND [ARG...]]" */
	const char *summary;
	const char *example; /* a whole line, shown with --help and where an operand is missing; or NULL */
	const struct option_entry *options;
	const char *const *refused; /* names of some that it has an error for, NULL-terminated: they are not listed; or NULL */
	const struct subcommand *subcommands; /* or NULL; then there are no options */
	/* argv[0] is the command's name. */
	int (*run)(const struct cli *cli, int argc, char **argv);
};

extern const struct command command_run;
extern const struct command command_create;
extern const struct command command_start;
extern const struct command command_restart;
extern const struct command command_rename;
extern const struct command command_inspect;
extern const struct command command_prune;
extern const struct command command_ps;
extern const struct command command_attach;
extern const struct command command_events;
extern const struct command command_exec;
extern const struct command command_top;
extern const struct command command_logs;
extern const struct command command_stop;
extern const struct command command_kill;
extern const struct command command_pause;
extern const struct command command_stats;
extern const struct command command_unpause;
extern const struct command command_update;
extern const struct command command_wait;
extern const struct command command_rm;
extern const struct command command_import;
extern const struct command command_save;
extern const struct command command_export;
extern const struct command command_cp;
extern const struct command command_diff;
extern const struct command command_load;
extern const struct command command_commit;
extern const struct command command_images;
extern const struct command command_tag;
extern const struct command command_history;
extern const struct command command_rmi;
extern const struct command command_image;
extern const struct command command_image_inspect;
extern const struct command command_image_verify;
extern const struct command command_image_prune;
extern const struct command command_df;
extern const struct command command_gc;
extern const struct command command_reset;
extern const struct command command_doctor;
extern const struct command command_completion;
extern const struct command command_help;

/* What `sandbox --help` prints. */
void command_print_usage(void);

/* NULL-terminated, in the order of `sandbox --help`. */
extern const struct command *const commands[];
const struct command *command_find(const char *name);

/*
 * What every command does first: reads its options into `target`; prints its help for --help (then
 * *out_done is set). Checks that the number of operands is in [least, most]. 0 or -EINVAL.
 */
int command_parse(const struct command *command, void *target, int argc, char **argv, int least, int most,
	int *out_operands, bool *out_done, struct sandbox_error *error);

#endif
