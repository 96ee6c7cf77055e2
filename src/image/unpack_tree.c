#include "image/unpack_tree.h"

#include <errno.h>

#include "base/scope.h"
#include "image/image.h"
#include "image/unpack_layers.h"

int unpack_tree(struct image_store *store, int fd, const struct idmap *map, const struct interrupt *interrupt,
	struct staging *staging, struct sandbox_error *error)
{
	struct image_request request;
	struct unpacking unpacking = {.store = store, .request = &request, .interrupt = interrupt, .spool = -1};
	auto_finish(import_image_finish) struct import_image image = {0};
	struct importer importer = {.mode = IMPORT_ARCHIVE, .archive = fd, .layout = -1};
	auto_close int notes = -1;
	struct import_result found;
	int result;

	image_request_init(&request, map);
	importer.limits = request.limits;
	result = unpack_stage(&unpacking, &importer, staging, &notes, &found, &image, error);
	if (result < 0 || !found.layered)
		return result;
	(void)error_set(error, EINVAL, "unpack the archive");
	(void)error_cause(error, SANDBOX_E_ARCHIVE_FORMAT, "it is that of an image, and no tree of files");
	return error_fix(error, "copy it as a file: sandbox cp FILE SANDBOX:PATH");
}
