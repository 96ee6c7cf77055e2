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

/* The same to all that run; one that ends meanwhile has nothing to be done to it. */
int sandboxes_each_running(const struct cli *cli, sandboxes_action *act, void *context);

/* Checks that either --all or operands were given, of `count` operands. 0 or -EINVAL with E_USAGE. */
int sandboxes_check_all(const char *command, bool all, int count, struct sandbox_error *error);

/* The number of a signal given to --`option`; NULL is `usual`. Or -EINVAL with E_USAGE. */
int sandboxes_signal(const char *option, const char *text, int usual, struct sandbox_error *error);

/* To the stream that the command wrote it to, byte by byte: who reads it on a terminal has asked for that. 0 or -1. */
int sandboxes_print_line(void *context, const struct sandbox_log_line *line);

/* A point in time given to --`option`; NULL is none. 0 or -EINVAL with E_USAGE. */
int sandboxes_moment(const char *option, const char *text, bool *out_has, int64_t *out, struct sandbox_error *error);

/* "5 minutes", as Docker says it. The caller frees. */
char *sandboxes_age(int64_t since);
/* "Up 5 minutes", "Exited (0) 5 minutes ago". The caller frees. */
char *sandboxes_status(const struct sandbox_entry *entry);

#endif
