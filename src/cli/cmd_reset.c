/* sandbox reset */
#include <stdio.h>

#include "base/scope.h"
#include "cli/command.h"
#include "cli/image_store.h"
#include "cli/output.h"
#include "image/store.h"

static int reset(const struct cli *cli, struct sandbox_error *error)
{
	auto_finish(image_store_finish) struct image_store store = IMAGE_STORE_INIT;
	struct idmap map = {0};
	int result = image_store_removal_map(&map, error);

	if (result == 0)
		result = image_store_open(cli->store, &store, error);
	return result < 0 ? result : image_store_reset(&store, &map, error);
}

static int run_reset(const struct cli *cli, int argc, char **argv)
{
	struct sandbox_error error = {0};
	int operands;
	bool done;

	if (command_parse(&command_reset, NULL, argc, argv, 0, 0, &operands, &done, &error) < 0)
		return output_error(&error);
	if (done)
		return 0;
	return reset(cli, &error) < 0 ? output_error(&error) : 0;
}

const struct command command_reset = {
	.name = "reset",
	.operands = "",
	.summary = "remove the image store, also what subordinate ids own in it",
	.run = run_reset,
};
