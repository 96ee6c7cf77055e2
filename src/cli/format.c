#include "cli/format.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/json.h"
#include "base/memory.h"
#include "base/scope.h"
#include "base/text.h"

static const char table_word[] = "table ";

static int refuse(const char *text, const struct format_field *fields, const char *problem, struct sandbox_error *error)
{
	auto_free char *shown = text_escape(text), *names = NULL;

	for (const struct format_field *field = fields; field->name; field++)
		memory_append(&names, " .%s", field->name);
	error_set(error, 0, "--format %s", shown);
	error_cause(error, SANDBOX_E_USAGE, "%s", problem);
	return error_fix(error, "for example '{{.%s}}', 'table {{.%s}}' or json; fields:%s", fields->name, fields->name, names);
}

static void add_piece(struct format *format, struct format_piece piece)
{
	format->pieces = memory_resize(format->pieces, format->count + 1, sizeof(*format->pieces));
	format->pieces[format->count++] = piece;
}

char *format_unescape(const char *text, size_t length)
{
	char *copy = memory_text_n(text, length), *out = copy;

	for (const char *in = copy; *in; in++) {
		bool escaped = in[0] == '\\' && (in[1] == 't' || in[1] == 'n');

		if (escaped)
			*out++ = (char)(in[1] == 't' ? '\t' : '\n');
		else
			*out++ = *in;
		in += escaped;
	}
	*out = '\0';
	return copy;
}

static void add_text(struct format *format, const char *text, size_t length)
{
	add_piece(format, (struct format_piece){.text = format_unescape(text, length), .field = -1});
}

static int find_field(const struct format_field *fields, const char *name)
{
	for (int i = 0; fields[i].name; i++)
		if (strcmp(fields[i].name, name) == 0)
			return i;
	return -1;
}

static char *skip_spaces(char *text)
{
	return text + strspn(text, " ");
}

/* What stands in braces: ".Field", "json .Field", "json .". Changes it. */
static bool add_field(struct format *format, char *inner)
{
	struct format_piece piece = {.field = -1};
	char *end = inner + strlen(inner);

	while (end > inner && end[-1] == ' ')
		*--end = '\0';
	inner = skip_spaces(inner);
	if (text_starts_with(inner, "json ")) {
		piece.json = true;
		inner = skip_spaces(inner + 5);
	}
	if (*inner != '.')
		return false;
	piece.field = find_field(format->fields, inner + 1);
	if (piece.field < 0 && (inner[1] || !piece.json))
		return false;
	add_piece(format, piece);
	return true;
}

/* The columns of a table are separated by tabs. */
static size_t count_columns(const struct format *format)
{
	size_t count = 1;

	for (size_t i = 0; i < format->count; i++)
		for (const char *byte = format->pieces[i].text; byte && *byte; byte++)
			count += *byte == '\t';
	return count;
}

static void start_table(struct format *format)
{
	auto_free const char **headings = memory_zeroed(1, sizeof(*headings));
	size_t count = 0;

	for (; format->fields[count].name; count++) {
		headings = memory_resize(headings, count + 1, sizeof(*headings));
		headings[count] = format->fields[count].heading;
	}
	output_table_start(&format->rows, count_columns(format), NULL);
	format_row(format, headings);
}

int format_parse(const char *text, const struct format_field *fields, struct format *out, struct sandbox_error *error)
{
	const char *next = text;

	*out = (struct format){.fields = fields};
	if (strcmp(text, "json") == 0)
		next = "{{json .}}";
	out->table = text_starts_with(text, table_word);
	if (out->table)
		next += strlen(table_word);
	while (*next) {
		const char *open = strstr(next, "{{"), *close = open ? strstr(open, "}}") : NULL;
		auto_free char *inner = NULL;

		if (open && !close)
			return refuse(text, fields, "braces are not closed", error);
		add_text(out, next, open ? (size_t)(open - next) : strlen(next));
		if (!open)
			break;
		inner = memory_text_n(open + 2, (size_t)(close - open) - 2);
		if (!add_field(out, inner))
			return refuse(text, fields, "there is no such field, or it is more than a field", error);
		next = close + 2;
	}
	if (out->table)
		start_table(out);
	return 0;
}

/* ---- rows ---- */

/* A value in the text of a line: what could do something to a terminal is escaped, and a tab is no new column. */
static void append_value(const struct format *format, const char *value, char **line)
{
	auto_free char *text = format->table ? memory_text(value) : text_escape(value);

	for (char *tab = text; (tab = strchr(tab, '\t'));)
		*tab = ' ';
	memory_append(line, "%s", text);
}

static void append_json(const struct format *format, int field, const char *const *values, char **line)
{
	struct json_object *object = json_new_object();
	auto_free char *text = NULL;

	for (int i = 0; format->fields[i].name; i++)
		json_add_string(object, format->fields[i].name, values[i]);
	text = field < 0 ? json_line(object) : json_quote(values[field]);
	json_free(&object);
	memory_append(line, "%s", text);
}

/* The caller frees. */
static char *fill_in(const struct format *format, const char *const *values)
{
	char *line = memory_text("");

	for (size_t i = 0; i < format->count; i++) {
		const struct format_piece *piece = &format->pieces[i];

		if (piece->text)
			memory_append(&line, "%s", piece->text);
		else if (piece->json)
			append_json(format, piece->field, values, &line);
		else
			append_value(format, values[piece->field], &line);
	}
	return line;
}

/* A cell that has nothing in it would look like a mistake. */
static void add_cells(struct output_table *rows, char *line)
{
	for (char *cell = line; cell;) {
		char *tab = strchr(cell, '\t');

		if (tab)
			*tab = '\0';
		output_table_cell(rows, *cell ? cell : "-");
		cell = tab ? tab + 1 : NULL;
	}
}

void format_row(struct format *format, const char *const *values)
{
	auto_free char *line = fill_in(format, values);

	if (format->table)
		add_cells(&format->rows, line);
	else
		printf("%s\n", line);
}

void format_end(struct format *format)
{
	if (format->table)
		output_table_print(&format->rows);
}

void format_finish(struct format *format)
{
	for (size_t i = 0; i < format->count; i++)
		free(format->pieces[i].text);
	free(format->pieces);
	output_table_finish(&format->rows);
	*format = (struct format){0};
}
