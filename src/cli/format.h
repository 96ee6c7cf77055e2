/*
 * What a user wants to see of each row, as docker(1) has him say it: a text with the names of fields in braces.
 *
 *	'{{.ID}} {{.Names}}'        a line for each
 *	'table {{.ID}}\t{{.Names}}' the same below each other, with headings
 *	'{{json .Names}}'           a field as a JSON text
 *	'json', '{{json .}}'        all fields as an object
 *
 * \t and \n are a tab and a newline. Nothing else of Go's templates is understood, and that is an error.
 */
#ifndef CLI_FORMAT_H
#define CLI_FORMAT_H

#include <stdbool.h>
#include <stddef.h>

#include "base/error.h"
#include "cli/output.h"

struct format_field {
	const char *name;
	const char *heading;
};

struct format {
	const struct format_field *fields; /* borrowed; the last has no name */
	bool table;
	struct format_piece {
		char *text; /* between fields; NULL for a field */
		int field;  /* its index; -1: all of them */
		bool json;
	} *pieces;
	size_t count;
	struct output_table rows; /* of a table */
};

/* A copy of so many bytes of what stands between fields, with \t and \n as what they mean. The caller frees. */
char *format_unescape(const char *text, size_t length);

/* Takes a text apart. 0 or -EINVAL with E_USAGE, which lists the fields; to be finished in either case. */
int format_parse(const char *text, const struct format_field *fields, struct format *out, struct sandbox_error *error);

/* Prints a row, or keeps it for the table. `values` has a text for each of the fields. */
void format_row(struct format *format, const char *const *values);

/* Prints the table, also when it has no rows. */
void format_end(struct format *format);
void format_finish(struct format *format);

#endif
