#include "image/layer_source.h"

#include <errno.h>

#include "base/fd.h"
#include "base/scope.h"
#include "base/text.h"

void layer_source_finish(struct layer_source *source)
{
	fd_close(&source->lease.wrapper);
}

static bool is_of_tree(const char *layer, const struct digest *tree)
{
	return text_starts_with(layer, tree->hex) && layer[DIGEST_HEX_SIZE - 1] == '-';
}

static void strings_release(struct sandbox_strings *strings)
{
	sandbox_strings_finish(strings);
}

/* Of two that can be read, whether the first has more to tell. */
static bool is_better(const struct layer_ids *one, const struct layer_source *other)
{
	if (other->lease.wrapper < 0 || !one->lost != !other->ids.lost)
		return other->lease.wrapper < 0 || !one->lost;
	return other->ids.map.single && !one->map.single;
}

static int explain_none(uint64_t lost, struct sandbox_error *error)
{
	(void)error_set(error, ENOENT, "make the files for these ids from those in the store");
	if (lost)
		(void)error_cause(error, SANDBOX_E_IMAGE_UNKNOWN, "they were unpacked for a single id, which could not "
			"keep %llu of their owners and capabilities", (unsigned long long)lost);
	return -ENOENT;
}

int layer_source_find(struct image_store *store, const struct digest *tree, bool lossy, struct layer_source *out,
	struct sandbox_error *error)
{
	auto_finish(strings_release) struct sandbox_strings layers = {0};
	auto_finish(layer_source_finish) struct layer_source best = LAYER_SOURCE_INIT;
	uint64_t lost = 0;
	int result = layer_list(store, &layers, error);

	for (size_t i = 0; i < layers.count && result == 0; i++) {
		auto_finish(layer_source_finish) struct layer_source found = LAYER_SOURCE_INIT;

		if (!is_of_tree(layers.items[i], tree) || layer_lease(store, layers.items[i], false, &found.lease, NULL) < 0 ||
		    layer_ids_load(found.lease.wrapper, &found.ids, NULL) < 0)
			continue;
		lost = found.ids.lost ? found.ids.lost : lost;
		if ((found.ids.lost && !lossy) || !is_better(&found.ids, &best))
			continue;
		layer_source_finish(&best);
		best = found;
		found = (struct layer_source)LAYER_SOURCE_INIT;
	}
	if (result < 0)
		return result;
	if (best.lease.wrapper < 0)
		return explain_none(lost, error);
	*out = best;
	best = (struct layer_source)LAYER_SOURCE_INIT;
	return 0;
}
