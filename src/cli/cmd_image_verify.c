/* sandbox image verify [IMAGE] */
#include <sandbox/image.h>
#include <stdio.h>

#include "base/json.h"
#include "base/scope.h"
#include "base/text.h"
#include "cli/command.h"
#include "cli/output.h"

enum { DIGEST_SHOWN = 12 };

struct verify_options {
	bool discard;
	bool json;
};

static const struct option_entry verify_table[] = {
	{OPTION_FLAG, "discard", 0, NULL, "remove damaged layers: the next import makes them again",
		offsetof(struct verify_options, discard)},
	{OPTION_FLAG, "json", 0, NULL, "the result as JSON", offsetof(struct verify_options, json)},
	{OPTION_END},
};

static void print_table(const struct sandbox_faults *faults)
{
	static const char *const headings[] = {"IMAGE", "LAYER", "WHAT", "PATH"};
	auto_finish(output_table_finish) struct output_table table = {0};

	if (!faults->count)
		return;
	output_table_start(&table, array_count(headings), headings);
	for (size_t i = 0; i < faults->count; i++) {
		const struct sandbox_fault *fault = &faults->items[i];
		char image[DIGEST_SHOWN + 1], layer[DIGEST_SHOWN + 1];

		(void)snprintf(image, sizeof(image), "%.*s", DIGEST_SHOWN, fault->image);
		(void)snprintf(layer, sizeof(layer), "%.*s", DIGEST_SHOWN, fault->layer);
		output_table_cell(&table, image);
		output_table_cell(&table, layer);
		output_table_cell(&table, fault->what);
		output_table_cell(&table, *fault->path ? fault->path : "(all of it)");
	}
	output_table_print(&table);
}

static void print_json(const struct sandbox_faults *faults)
{
	struct json_object *object = json_new_object(), *array = json_new_array();

	json_add_unsigned(object, "layers", faults->layers);
	json_add_unsigned(object, "entries", faults->entries);
	json_add_unsigned(object, "unknown_layers", faults->unknown);
	json_add(object, "faults", array);
	for (size_t i = 0; i < faults->count; i++) {
		struct json_object *fault = json_new_object();

		json_add_string(fault, "image", faults->items[i].image);
		json_add_string(fault, "layer", faults->items[i].layer);
		json_add_string(fault, "path", faults->items[i].path);
		json_add_string(fault, "what", faults->items[i].what);
		json_append(array, fault);
	}
	output_json(object);
}

static int explain_faults(const struct sandbox_faults *faults, const struct verify_options *options,
	struct sandbox_error *error)
{
	(void)error_set(error, 0, "%zu %s changed in the image store", faults->count,
		text_plural(faults->count, "thing has", "things have"));
	(void)error_cause(error, SANDBOX_E_IMAGE_DAMAGED, "the disk has done it, or somebody who may write there");
	if (options->discard)
		return error_fix(error, "import the archive again: sandbox import FILE; what is in use stays until its "
			"sandbox has ended: `sandbox ps`");
	return error_fix(error, "sandbox image verify --discard sha256:%.*s, and then import its archive again: "
		"sandbox import FILE", DIGEST_SHOWN, faults->items[0].image);
}

static int explain_unknown(const struct sandbox_faults *faults, struct sandbox_error *error)
{
	(void)error_set(error, 0, "%zu %s could not be compared with what was imported", faults->unknown,
		text_plural(faults->unknown, "layer", "layers"));
	(void)error_cause(error, SANDBOX_E_IMAGE_DAMAGED, "there are no notes of that: the store kept none at the time, or "
		"`sandbox run` unpacked it, and it is not on the disk yet");
	return error_fix(error, "sandbox import FILE, which waits for the disk; an old image is removed first: "
		"sandbox rmi IMAGE");
}

static int run_verify(const struct cli *cli, int argc, char **argv)
{
	const struct sandbox_locations locations = {cli->store, cli->state, cli->runtime};
	auto_finish(sandbox_faults_finish) struct sandbox_faults faults = {.items = NULL};
	struct verify_options options = {0};
	struct sandbox_error error = {0};
	int operands;
	bool done;

	if (command_parse(&command_image_verify, &options, argc, argv, 0, 1, &operands, &done, &error) < 0)
		return output_error(&error);
	if (done)
		return 0;
	if (sandbox_image_verify(&locations, argv[operands], options.discard, &faults, &error) < 0)
		return output_error(&error);
	(options.json ? print_json : print_table)(&faults);
	if (faults.count)
		(void)explain_faults(&faults, &options, &error);
	else if (faults.unknown)
		(void)explain_unknown(&faults, &error);
	return faults.count || faults.unknown ? output_error(&error) : 0;
}

const struct command command_image_verify = {
	.name = "image verify",
	.operands = "[IMAGE]",
	.summary = "compare the files of images with what they were when they were imported",
	.options = verify_table,
	.run = run_verify,
};
