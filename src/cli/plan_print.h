/* The plan in the open: --dry-run. */
#ifndef CLI_PLAN_PRINT_H
#define CLI_PLAN_PRINT_H

#include <sandbox/container.h>

/* One line a row, under the name of its section. */
void plan_print_text(const struct sandbox_plan_report *report);

struct json_object;

/* {"SECTION": [{"name": …, "value": …, "why": …}, …], …} */
struct json_object *plan_describe(const struct sandbox_plan_report *report);
void plan_print_json(const struct sandbox_plan_report *report);

#endif
