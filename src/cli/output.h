/*
 * The only place that prints for the user. Standard output is data, standard error is talk.
 */
#ifndef CLI_OUTPUT_H
#define CLI_OUTPUT_H

#include <stddef.h>

#include "base/error.h"

struct json_object;

/* Prints the error with its cause and fix, and returns its exit status (125, 126, 127). */
int output_error(const struct sandbox_error *error);

/* A table: left-aligned columns, escaped cells. */
struct output_table {
	size_t columns;
	char **cells;
	size_t count;
};

/* `headings` are the first row; NULL for a table without. */
void output_table_start(struct output_table *table, size_t columns, const char *const *headings);
void output_table_cell(struct output_table *table, const char *text);
void output_table_print(const struct output_table *table);
void output_table_finish(struct output_table *table);

/* Prints and frees a JSON value. */
void output_json(struct json_object *root);

/* 0, or 125 after an error message when standard output could not be written (a full disk, a closed pipe). */
int output_flush(void);

#endif
