/* sandbox doctor: what this machine lacks, and how to mend it. */
#include <sandbox/doctor.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include "base/json.h"
#include "base/scope.h"
#include "base/text.h"
#include "cli/command.h"
#include "cli/output.h"

struct doctor_options {
	bool json;
};

static const struct option_entry doctor_table[] = {
	{OPTION_FLAG, "json", 0, NULL, "everything, as JSON", offsetof(struct doctor_options, json)},
	{OPTION_END},
};

static void print_table(const struct sandbox_diagnosis *diagnosis)
{
	static const char *const headings[] = {"CHECK", "STATE", "NEEDED FOR", "FOUND"};
	auto_finish(output_table_finish) struct output_table table = {0};

	output_table_start(&table, array_count(headings), headings);
	for (size_t i = 0; i < diagnosis->count; i++) {
		const struct sandbox_finding *finding = &diagnosis->items[i];

		output_table_cell(&table, finding->check);
		output_table_cell(&table, sandbox_health_name(finding->health));
		output_table_cell(&table, finding->purpose);
		output_table_cell(&table, finding->found);
	}
	output_table_print(&table);
}

static void print_labelled(const char *label, const char *text)
{
	auto_free char *escaped = text_escape(text);

	if (*text)
		printf("%s%s\n", label, escaped);
}

static bool is_problem(const struct sandbox_finding *finding)
{
	return finding->health == SANDBOX_HEALTH_DEGRADED || finding->health == SANDBOX_HEALTH_MISSING;
}

static bool is_same_problem(const struct sandbox_finding *left, const struct sandbox_finding *right)
{
	return is_problem(right) && left->error.id == right->error.id && strcmp(left->error.cause, right->error.cause) == 0 &&
		strcmp(left->error.fix, right->error.fix) == 0;
}

/* As an error message has it, once for all checks that it explains. */
static void print_problem(const struct sandbox_diagnosis *diagnosis, size_t first)
{
	const struct sandbox_finding *finding = &diagnosis->items[first];
	const char *name = sandbox_error_name(finding->error.id);

	printf("\n%s", finding->check);
	for (size_t i = first + 1; i < diagnosis->count; i++)
		if (is_same_problem(finding, &diagnosis->items[i]))
			printf(", %s", diagnosis->items[i].check);
	print_labelled(": ", finding->error.text);
	print_labelled("  cause: ", finding->error.cause);
	print_labelled("  fix:   ", finding->error.fix);
	if (name)
		printf("  more:  sandbox help %s\n", name);
}

static bool was_printed(const struct sandbox_diagnosis *diagnosis, size_t index)
{
	for (size_t i = 0; i < index; i++)
		if (is_problem(&diagnosis->items[i]) && is_same_problem(&diagnosis->items[i], &diagnosis->items[index]))
			return true;
	return false;
}

static void print_text(const struct sandbox_diagnosis *diagnosis)
{
	print_table(diagnosis);
	for (size_t i = 0; i < diagnosis->count; i++)
		if (is_problem(&diagnosis->items[i]) && !was_printed(diagnosis, i))
			print_problem(diagnosis, i);
	printf("\n%s\n", diagnosis->works ? "Sandboxes work here, with all that they have by default." :
		"Sandboxes do not work here, or not with all that they have by default.");
}

static struct json_object *describe(const struct sandbox_finding *finding)
{
	struct json_object *object = json_new_object();

	json_add_string(object, "check", finding->check);
	json_add_string(object, "state", sandbox_health_name(finding->health));
	json_add_string(object, "needed_for", finding->purpose);
	json_add_boolean(object, "by_default", finding->by_default);
	json_add_string(object, "found", finding->found[0] ? finding->found : NULL);
	json_add_string(object, "error", finding->error.text[0] ? finding->error.text : NULL);
	json_add_string(object, "id", sandbox_error_name(finding->error.id));
	json_add_string(object, "cause", finding->error.cause[0] ? finding->error.cause : NULL);
	json_add_string(object, "fix", finding->error.fix[0] ? finding->error.fix : NULL);
	return object;
}

static void print_json(const struct sandbox_diagnosis *diagnosis)
{
	struct json_object *root = json_new_object(), *checks = json_new_array();

	json_add_boolean(root, "works", diagnosis->works);
	for (size_t i = 0; i < diagnosis->count; i++)
		json_append(checks, describe(&diagnosis->items[i]));
	json_add(root, "checks", checks);
	output_json(root);
}

static int run_doctor(const struct cli *cli, int argc, char **argv)
{
	const struct sandbox_locations locations = {cli->store, cli->state, cli->runtime};
	auto_finish(sandbox_diagnosis_finish) struct sandbox_diagnosis diagnosis = {0};
	struct doctor_options options = {0};
	struct sandbox_error error = {0};
	int operands;
	bool done;

	if (command_parse(&command_doctor, &options, argc, argv, 0, 0, &operands, &done, &error) < 0)
		return output_error(&error);
	if (done)
		return 0;
	if (sandbox_diagnose(&locations, &diagnosis, &error) < 0)
		return output_error(&error);
	if (options.json)
		print_json(&diagnosis);
	else
		print_text(&diagnosis);
	return diagnosis.works ? 0 : 1;
}

const struct command command_doctor = {
	.name = "doctor",
	.operands = "",
	.summary = "find out what sandboxes lack on this machine, and how to mend it",
	.options = doctor_table,
	.run = run_doctor,
};
