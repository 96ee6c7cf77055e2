/* sandbox commit SANDBOX [NAME] */
#include <sandbox/files.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/scope.h"
#include "cli/command.h"
#include "cli/output.h"

/* The strings are owned here; the library borrows them. */
struct commit_options {
	struct sandbox_strings given;
	struct sandbox_strings changes;
	char *message;
	char *author;
	bool pause;
};

#define FIELD(name) offsetof(struct commit_options, name)

static const struct option_entry commit_table[] = {
	{OPTION_GIVEN, .offset = FIELD(given)},
	{OPTION_LIST, "change", 'c', "LINE", "change the configuration by a line of a Dockerfile (CMD, ENV, USER, ...)",
		FIELD(changes)},
	{OPTION_TEXT, "message", 'm', "TEXT", "what the image's history says of it", FIELD(message)},
	{OPTION_TEXT, "author", 'a', "NAME", "the label org.opencontainers.image.authors", FIELD(author)},
	{OPTION_FLAG, "pause", 'p', NULL, "insist on pausing it meanwhile (default: where it has a control group)", FIELD(pause)},
	{OPTION_END},
};

static void commit_options_finish(struct commit_options *options)
{
	sandbox_strings_finish(&options->given);
	sandbox_strings_finish(&options->changes);
	free(options->message);
	free(options->author);
}

static enum sandbox_commit_pause pause_mode(const struct commit_options *options)
{
	for (size_t i = 0; i < options->given.count; i++)
		if (strncmp(options->given.items[i], "pause=", sizeof("pause=") - 1) == 0)
			return options->pause ? SANDBOX_PAUSE_ALWAYS : SANDBOX_PAUSE_NEVER;
	return SANDBOX_PAUSE_IF_POSSIBLE;
}

static int run_commit(const struct cli *cli, int argc, char **argv)
{
	const struct sandbox_locations locations = {cli->store, cli->state, cli->runtime};
	auto_finish(commit_options_finish) struct commit_options options = {.pause = false};
	struct sandbox_commit_options wanted;
	char digest[SANDBOX_DIGEST_SIZE];
	struct sandbox_error error = {0};
	int operands;
	bool done;

	if (command_parse(&command_commit, &options, argc, argv, 1, 2, &operands, &done, &error) < 0)
		return output_error(&error);
	if (done)
		return 0;
	wanted = (struct sandbox_commit_options){argc - operands > 1 ? argv[operands + 1] : NULL, options.changes,
		options.message, options.author, pause_mode(&options)};
	if (sandbox_commit(&locations, argv[operands], &wanted, digest, &error) < 0)
		return output_error(&error);
	printf("sha256:%s\n", digest);
	return 0;
}

const struct command command_commit = {
	.name = "commit",
	.operands = "SANDBOX [NAME]",
	.summary = "make an image of a sandbox, what it wrote as one more layer",
	.example = "sandbox commit -c 'CMD [\"bash\"]' job debian:mine",
	.options = commit_table,
	.run = run_commit,
};
