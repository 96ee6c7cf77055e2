/* All that is known and decided of a sandbox before anything is made: spec, host and image become a plan. */
#ifndef RUNTIME_DECISION_H
#define RUNTIME_DECISION_H

#include <sandbox/locations.h>
#include <sandbox/progress.h>
#include <sandbox/spec.h>

#include "base/error.h"
#include "image/image.h"
#include "runtime/host.h"
#include "runtime/kept.h"
#include "runtime/plan.h"

struct decision {
	struct host host;
	struct idmap idmap;
	struct import_choice choice;
	struct plan plan;
	struct image_store store;
	struct image image;
};

#define DECISION_INIT {.store = IMAGE_STORE_INIT}

void decision_finish(struct decision *decision);

/*
 * Everything but the image: an archive is read only for a plan that can be carried out. 0 or -errno; *out is to be
 * finished in either case, also of the others.
 */
int decision_begin(const struct sandbox_spec *spec, struct decision *out, struct sandbox_error *error);

/* All of it, for a new sandbox: the image is imported where it is not known. 0 or -errno. */
int decision_make(const struct sandbox_locations *locations, const char *image, const struct sandbox_spec *spec,
	const struct sandbox_progress *progress, struct decision *out, struct sandbox_error *error);

/*
 * All of it, for another start of a kept sandbox, in whose directory of then this process is afterwards. Takes
 * kept->config. 0 or -errno: E_ID_UNMAPPED when its files belong to other ids than it would have now.
 */
int decision_repeat(struct kept *kept, struct decision *out, struct sandbox_error *error);

#endif
