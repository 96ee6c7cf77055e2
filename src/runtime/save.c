/* Images on their way out of the store: sandbox/image.h. */
#include <sandbox/image.h>

#include "base/log.h"
#include "base/scope.h"
#include "image/reference.h"
#include "image/save.h"

static void strings_release(struct sandbox_strings *strings)
{
	sandbox_strings_finish(strings);
}

int sandbox_image_save(const struct sandbox_locations *locations, const char *const *references, size_t count,
	enum sandbox_save_format format, int fd, const struct sandbox_progress *progress, struct sandbox_error *error)
{
	const struct image_save save = {format, fd, references, count, progress};
	auto_finish(image_store_finish) struct image_store store = IMAGE_STORE_INIT;
	auto_finish(strings_release) struct sandbox_strings notices = {0};
	struct digest none;
	int result = image_store_open_present(locations->store, &store, error);

	/* A store that does not exist has none of them. */
	if (result == 0 && store.root < 0)
		return reference_find(&store, references[0], &none, error);
	if (result == 0)
		result = image_save(&store, &save, &notices, error);
	for (size_t i = 0; i < notices.count && result == 0; i++)
		log_notice("%s", notices.items[i]);
	return result;
}
