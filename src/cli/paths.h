/* Where things live: the XDG base directories, or what --root, --state and --runroot say. */
#ifndef CLI_PATHS_H
#define CLI_PATHS_H

#include "base/error.h"
#include "cli/command.h"

struct path_options {
	char *root;
	char *state;
	char *runroot;
};

/* Fills the absolute paths of `cli`. 0, or -errno with a fix when neither HOME nor passwd knows a home. */
int paths_decide(const struct path_options *options, struct cli *cli, struct sandbox_error *error);
void paths_finish(struct cli *cli);

/* $XDG_CONFIG_HOME/sandbox or ~/.config/sandbox, owned by the caller; NULL where no home is known. */
char *paths_configuration(void);

#endif
