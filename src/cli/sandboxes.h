/* What the commands about sandboxes that can be found have in common: operands, signals, words for a table. */
#ifndef CLI_SANDBOXES_H
#define CLI_SANDBOXES_H

#include <sandbox/life.h>

#include "cli/command.h"

/*
 * Does the same to each of the operands from `first` on, also after one has failed; prints each that went well.
 * The exit status.
 */
typedef int sandboxes_action(const struct sandbox_locations *locations, const char *reference, void *context,
	struct sandbox_error *error);
int sandboxes_each(const struct cli *cli, int argc, char **argv, int first, sandboxes_action *act, void *context);

/* The number of a signal given to --`option`; NULL is `usual`. Or -EINVAL with E_USAGE. */
int sandboxes_signal(const char *option, const char *text, int usual, struct sandbox_error *error);

/* To the stream that the command wrote it to, byte by byte: who reads it on a terminal has asked for that. 0 or -1. */
int sandboxes_print_line(void *context, const struct sandbox_log_line *line);

/* "5 minutes", as Docker says it. The caller frees. */
char *sandboxes_age(int64_t since);
/* "Up 5 minutes", "Exited (0) 5 minutes ago". The caller frees. */
char *sandboxes_status(const struct sandbox_entry *entry);

#endif
