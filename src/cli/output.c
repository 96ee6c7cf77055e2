#include "cli/output.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/json.h"
#include "base/memory.h"
#include "base/scope.h"
#include "base/text.h"

static void print_labelled(const char *label, const char *text)
{
	auto_free char *escaped = text_escape(text);

	if (*text)
		fprintf(stderr, "%s%s\n", label, escaped);
}

int output_error(const struct sandbox_error *error)
{
	const char *name = sandbox_error_name(error->id);

	(void)fflush(stdout);
	print_labelled("sandbox: ", error->text);
	print_labelled("  cause: ", error->cause);
	print_labelled("  fix:   ", error->fix);
	if (name && error->id != SANDBOX_E_USAGE)
		fprintf(stderr, "  more:  sandbox help %s\n", name);
	return sandbox_error_exit_status(error);
}

void output_table_start(struct output_table *table, size_t columns, const char *const *headings)
{
	*table = (struct output_table){.columns = columns};
	for (size_t i = 0; headings && i < columns; i++)
		output_table_cell(table, headings[i]);
}

void output_table_cell(struct output_table *table, const char *text)
{
	table->cells = memory_resize(table->cells, table->count + 1, sizeof(*table->cells));
	table->cells[table->count++] = text_escape(text);
}

static size_t column_width(const struct output_table *table, size_t column)
{
	size_t width = 0;

	for (size_t i = column; i < table->count; i += table->columns)
		if (strlen(table->cells[i]) > width)
			width = strlen(table->cells[i]);
	return width;
}

void output_table_print(const struct output_table *table)
{
	for (size_t i = 0; i < table->count; i++) {
		bool last = i % table->columns == table->columns - 1;

		if (last)
			printf("%s\n", table->cells[i]);
		else
			printf("%-*s  ", (int)column_width(table, i % table->columns), table->cells[i]);
	}
}

void output_table_finish(struct output_table *table)
{
	for (size_t i = 0; i < table->count; i++)
		free(table->cells[i]);
	free(table->cells);
	*table = (struct output_table){0};
}

void output_json(struct json_object *root)
{
	auto_free char *text = json_text(root);

	fputs(text, stdout);
	json_free(&root);
}

int output_flush(void)
{
	if (fflush(stdout) == 0 && !ferror(stdout))
		return 0;
	fprintf(stderr, "sandbox: write to standard output: %s\n", strerror(errno));
	return 125;
}
