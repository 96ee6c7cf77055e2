/*
 * Configuration files and profiles: sandbox-config(5). Lines of NAME = VALUE, where NAME is the long name of an
 * option; the option's own table reads the value, so that a file can say exactly what the command line can.
 */
#ifndef CLI_CONFIG_H
#define CLI_CONFIG_H

#include <stdbool.h>
#include <stddef.h>

#include "base/error.h"
#include "cli/option.h"

struct config_line {
	unsigned int number;
	char *name;
	char *value; /* NULL for a name alone */
};

/* A file as it was read: nothing of it is decided yet. */
struct config_file {
	char *path;
	char *origin; /* how a plan names it: "config", "profile ci" */
	struct config_line *lines;
	size_t count;
};

/*
 * Reads a file of the caller's, or of root's, that nobody else can write. One that is absent is empty if it is
 * `optional`. 0, or -errno with a fix; the error names file and line.
 */
int config_read(const char *path, const char *origin, bool optional, struct config_file *out,
	struct sandbox_error *error);

/*
 * Reads the profile NAME, the file of that name below `directory` ("…/sandbox/profiles"; NULL where there is no home),
 * or, with a slash in NAME, that file. 0, or -errno with the profiles that there are.
 */
int config_read_profile(const char *directory, const char *name, struct config_file *out, struct sandbox_error *error);

/* Every name must be an option of one of the tables (NULL-terminated). 0, or -EINVAL with the name that was meant. */
int config_check(const struct config_file *file, const struct option_entry *const *tables,
	struct sandbox_error *error);

/*
 * Assigns to `target` what the file says of the options in `table`, but for those that the command does not take:
 * `refused` (NULL-terminated names, or NULL) are passed over, as the file is for other commands, too. 0 or -EINVAL.
 */
int config_apply(const struct config_file *file, const struct option_entry *table, const char *const *refused,
	void *target, struct sandbox_error *error);

void config_finish(struct config_file *file);

#endif
