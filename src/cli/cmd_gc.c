/* sandbox gc, and sandbox image prune, which is the same with another idea of what may go */
#include <sandbox/image.h>
#include <stdio.h>

#include "base/json.h"
#include "base/scope.h"
#include "base/text.h"
#include "cli/command.h"
#include "cli/output.h"

struct gc_options {
	uint64_t size;       /* UINT64_MAX: none */
	uint64_t unused_for; /* milliseconds */
	bool all;
	bool dry_run;
	bool json;
};

static const struct option_entry gc_table[] = {
	{OPTION_SIZE, "max-size", 0, "SIZE", "remove the longest unused images until the store takes no more",
		offsetof(struct gc_options, size)},
	{OPTION_DURATION, "older-than", 0, "DUR", "remove images that nobody used for so long (30d, 12h)",
		offsetof(struct gc_options, unused_for)},
	{OPTION_FLAG, "all", 'a', NULL, "also images that have a name", offsetof(struct gc_options, all)},
	{OPTION_FLAG, "dry-run", 0, NULL, "only say what would be removed", offsetof(struct gc_options, dry_run)},
	{OPTION_FLAG, "json", 0, NULL, "the result as JSON", offsetof(struct gc_options, json)},
	{OPTION_END},
};

static const struct option_entry prune_table[] = {
	{OPTION_DURATION, "older-than", 0, "DUR", "only those that nobody used for so long (30d, 12h)",
		offsetof(struct gc_options, unused_for)},
	{OPTION_FLAG, "all", 'a', NULL, "also images that have a name", offsetof(struct gc_options, all)},
	{OPTION_FLAG, "dry-run", 0, NULL, "only say what would be removed", offsetof(struct gc_options, dry_run)},
	{OPTION_FLAG, "json", 0, NULL, "the result as JSON", offsetof(struct gc_options, json)},
	{OPTION_ABSENT, "force", 'f', .help = "leave it out: nothing is asked; --dry-run only tells"},
	{OPTION_ABSENT, "filter", .help = "use --older-than, such as --older-than 24h"},
	{OPTION_END},
};

static void print_text(const struct sandbox_collected *collected, bool dry_run)
{
	char size[24];

	for (size_t i = 0; i < collected->images.count; i++)
		printf("sha256:%s\n", collected->images.items[i]);
	printf("%zu %s and %zu %s%s, %s\n", collected->images.count, text_plural(collected->images.count, "image", "images"),
		collected->layers, text_plural(collected->layers, "layer", "layers"), dry_run ? " would go" : "",
		text_format_size(collected->bytes, size, sizeof(size)));
}

static void print_json(const struct sandbox_collected *collected, bool dry_run)
{
	struct json_object *object = json_new_object();

	json_add_strings(object, "images", &collected->images);
	json_add_unsigned(object, "layers", collected->layers);
	json_add_unsigned(object, "bytes", collected->bytes);
	json_add_boolean(object, "dry_run", dry_run);
	output_json(object);
}

static int size_not_reached(const struct sandbox_collected *collected, const struct gc_options *options,
	struct sandbox_error *error)
{
	char left[24], wanted[24];

	(void)error_set(error, 0, "the image store takes %s, which is more than %s",
		text_format_size(collected->left, left, sizeof(left)),
		text_format_size(options->size, wanted, sizeof(wanted)));
	(void)error_cause(error, SANDBOX_E_IMAGE_IN_USE, options->all ? "what is left is in use" :
		"what is left is in use or has a name");
	return options->all ? error_fix(error, "end sandboxes (sandbox ps), then try again") :
		error_fix(error, "sandbox gc --all --max-size %llu", (unsigned long long)options->size);
}

static int collect(const struct cli *cli, const struct gc_options *options, bool images)
{
	const struct sandbox_locations locations = {cli->store, cli->state, cli->runtime};
	auto_finish(sandbox_collected_finish) struct sandbox_collected collected = {.layers = 0};
	const struct sandbox_collection wanted = {
		.images = images, .named = options->all, .unused_for = options->unused_for / 1000,
		.size = options->size, .dry_run = options->dry_run,
	};
	struct sandbox_error error = {0};

	if (sandbox_image_collect(&locations, &wanted, &collected, &error) < 0)
		return output_error(&error);
	(options->json ? print_json : print_text)(&collected, options->dry_run);
	if (options->size == UINT64_MAX || collected.left <= options->size)
		return 0;
	(void)size_not_reached(&collected, options, &error);
	return output_error(&error);
}

static int run_gc(const struct cli *cli, int argc, char **argv)
{
	struct gc_options options = {.size = UINT64_MAX};
	struct sandbox_error error = {0};
	int operands;
	bool done;

	if (command_parse(&command_gc, &options, argc, argv, 0, 0, &operands, &done, &error) < 0)
		return output_error(&error);
	if (done)
		return 0;
	if (options.all && options.size == UINT64_MAX && !options.unused_for) {
		(void)error_set(&error, 0, "gc --all");
		(void)error_cause(&error, SANDBOX_E_USAGE, "which images shall go is said by --older-than or --max-size");
		(void)error_fix(&error, "for example: sandbox gc --all --older-than 30d");
		return output_error(&error);
	}
	return collect(cli, &options, options.size != UINT64_MAX || options.unused_for);
}

static int run_prune(const struct cli *cli, int argc, char **argv)
{
	struct gc_options options = {.size = UINT64_MAX};
	struct sandbox_error error = {0};
	int operands;
	bool done;

	if (command_parse(&command_image_prune, &options, argc, argv, 0, 0, &operands, &done, &error) < 0)
		return output_error(&error);
	return done ? 0 : collect(cli, &options, true);
}

const struct command command_gc = {
	.name = "gc",
	.operands = "",
	.summary = "make room in the image store, never by what is in use",
	.example = "sandbox gc --older-than 30d",
	.options = gc_table,
	.run = run_gc,
};

const struct command command_image_prune = {
	.name = "image prune",
	.operands = "",
	.summary = "remove all images without a name that no sandbox uses",
	.options = prune_table,
	.run = run_prune,
};
