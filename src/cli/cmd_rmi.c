/* sandbox rmi IMAGE… */
#include <stdio.h>

#include "base/log.h"
#include "base/scope.h"
#include "cli/command.h"
#include "cli/image_store.h"
#include "cli/output.h"
#include "image/image.h"

static int remove_images(const struct cli *cli, char **references, struct sandbox_error *error)
{
	auto_finish(image_store_finish) struct image_store store = IMAGE_STORE_INIT;
	struct idmap map = {0};
	int result = image_store_removal_map(&map, error);

	if (result == 0)
		result = image_store_open(cli->store, &store, error);
	for (; *references && result == 0; references++) {
		bool removed;

		result = image_remove(&store, *references, &map, &removed, error);
		if (result == 0)
			log_debug(removed ? "removed the image %s" : "removed the name %s", *references);
	}
	return result;
}

static int run_rmi(const struct cli *cli, int argc, char **argv)
{
	struct sandbox_error error = {0};
	int operands;
	bool done;

	if (command_parse(&command_rmi, NULL, argc, argv, 1, -1, &operands, &done, &error) < 0)
		return output_error(&error);
	if (done)
		return 0;
	return remove_images(cli, argv + operands, &error) < 0 ? output_error(&error) : 0;
}

const struct command command_rmi = {
	.name = "rmi",
	.operands = "IMAGE...",
	.summary = "remove images, by name or digest",
	.run = run_rmi,
};
