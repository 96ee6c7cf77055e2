/*
 * Whose ids own the files of a layer: ids.json in its directory. What is needed to make the same tree for other ids.
 */
#ifndef IMAGE_LAYER_IDS_H
#define IMAGE_LAYER_IDS_H

#include <stdint.h>

#include "base/error.h"
#include "userns/idmap.h"

struct layer_ids {
	struct idmap map;
	/*
	 * Owners and capabilities of the archive that this tree had no way to keep: those of symbolic links, and of
	 * whatever else takes no attribute, with a single id.
	 */
	uint64_t lost;
};

extern const char layer_ids_name[];

struct json_object;

/* As an object of a record, and back: 0 or -errno. `path` names the object in errors. */
struct json_object *layer_ids_describe(const struct layer_ids *ids);
int layer_ids_read(struct json_object *object, const char *path, struct layer_ids *out, struct sandbox_error *error);

/* 0 or -errno. `wrapper` is the layer's directory. */
int layer_ids_save(int wrapper, const struct layer_ids *ids, struct sandbox_error *error);

/* 0, -ENOENT when it is absent (older layers have none) or unreadable, or -errno. */
int layer_ids_load(int wrapper, struct layer_ids *out, struct sandbox_error *error);

#endif
