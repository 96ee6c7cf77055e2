#include "cli/plan_print.h"

#include <stdio.h>
#include <string.h>

#include "base/json.h"
#include "base/memory.h"
#include "base/scope.h"
#include "cli/output.h"

enum { PLAN_COLUMNS = 3 };

/* The rows of one section, from `first` on. The index of the next section's first row. */
static size_t print_section(const struct sandbox_plan_report *report, size_t first)
{
	auto_finish(output_table_finish) struct output_table table = {0};
	size_t i;

	printf("%s%s\n", first ? "\n" : "", report->rows[first].section);
	output_table_start(&table, PLAN_COLUMNS, NULL);
	for (i = first; i < report->count && strcmp(report->rows[i].section, report->rows[first].section) == 0; i++) {
		auto_free char *name = memory_format("  %s", report->rows[i].name);

		output_table_cell(&table, name);
		output_table_cell(&table, report->rows[i].value);
		output_table_cell(&table, report->rows[i].why);
	}
	output_table_print(&table);
	return i;
}

void plan_print_text(const struct sandbox_plan_report *report)
{
	for (size_t i = 0; i < report->count;)
		i = print_section(report, i);
}

struct json_object *plan_describe(const struct sandbox_plan_report *report)
{
	struct json_object *root = json_new_object(), *rows = NULL;

	for (size_t i = 0; i < report->count; i++) {
		const struct sandbox_plan_row *row = &report->rows[i];
		struct json_object *item = json_new_object();

		if (i == 0 || strcmp(row->section, report->rows[i - 1].section) != 0) {
			rows = json_new_array();
			json_add(root, row->section, rows);
		}
		json_add_string(item, "name", row->name);
		json_add_string(item, "value", row->value);
		json_add_string(item, "why", row->why);
		json_append(rows, item);
	}
	return root;
}

void plan_print_json(const struct sandbox_plan_report *report)
{
	output_json(plan_describe(report));
}
