/*
 * Sandboxes that are kept: those with a name, or --keep. What they write lies on the disk, in their entry of the
 * registry (runtime/registry.h), and they can be started again on it:
 *
 *	layer/upper  what was written, as overlay(5) keeps it with `userxattr`; made by the first start
 *	layer/work   overlay's own
 *	ids.json     whose ids its files belong to (image/layer_ids.h)
 *	kept.json    what it stands on, and what it is started with; complete and on the disk before anybody finds the entry,
 *	             and then only replaced as a whole: by who changes its limits, with a lock of ids.json
 *
 * Whoever changes the layer of one that does not run holds its lock meanwhile (registry_lock_idle).
 */
#ifndef RUNTIME_KEPT_H
#define RUNTIME_KEPT_H

#include <sandbox/spec.h>
#include <stdbool.h>

#include "base/error.h"
#include "image/config.h"
#include "image/image.h"
#include "image/store.h"
#include "runtime/plan.h"
#include "runtime/registry.h"
#include "userns/idmap.h"

/* What kept.json and ids.json say. Strings are owned. */
struct kept {
	char *image;     /* as the user named it */
	char *digest;    /* of the image; NULL for a folder */
	char *store;     /* the image store, absolute */
	char *folder;    /* the image where it is a folder, absolute; else NULL */
	char *directory; /* the caller's own, which the paths of the spec begin at */
	struct sandbox_strings lent;   /* where the sources of volumes, mounts and devices led to, without links */
	struct sandbox_strings layers; /* "TREE-MAPKEY" below the store's layers/, the lowest first; empty for a folder */
	struct idmap idmap;            /* of its own files, and of the layers */
	struct image_config config;    /* what the image says */
	struct sandbox_spec spec;      /* with the variables that were the caller's at that time */
};

void kept_finish(struct kept *kept);

/* The directory of the writable layer, in the entry's. */
extern const char kept_layer_name[];

bool kept_is(const struct registry_entry *entry);
/* False where its maker was killed: nobody has found it yet. */
bool kept_is_complete(const struct registry_entry *entry);

/* 0 or -errno: ENOENT with E_SANDBOX_STATE for one that is not kept; *out is to be finished in either case. */
int kept_read(const struct registry_entry *entry, struct kept *out, struct sandbox_error *error);

/*
 * The record as it is to be with other limits: those of `said` take the place of what it has, and all of them must go
 * together, and be such as a start could have now, unless it runs. Until it is finished nobody else changes it, and no start
 * begins. 0 or -errno: E_CGROUP_MISSING and its kin (cgroup_plan_decide), EBUSY as registry_lock_name, E_SANDBOX_UNKNOWN when
 * it was removed meanwhile; to be finished in either case.
 */
struct kept_change {
	char *text;
	int lock;
};
#define KEPT_CHANGE_INIT {.lock = -1}
int kept_change_limits(const struct registry_entry *entry, const struct sandbox_limits *said, struct kept_change *out,
	struct sandbox_error *error);
int kept_change_write(const struct registry_entry *entry, const struct kept_change *change, struct sandbox_error *error);
void kept_change_finish(struct kept_change *change);

/* The directory that holds upper/ (missing when it was never started) and work/. A descriptor or -errno, as kept_read. */
int kept_open_layer(const struct registry_entry *entry, struct sandbox_error *error);

/*
 * Makes an empty image one that holds the layers, or the folder, that the sandbox stands on: they are leased. Takes
 * kept->config. 0, or -errno: E_IMAGE_UNKNOWN when they are gone.
 */
int kept_lease(struct kept *kept, struct image_store *store, struct image *out, struct sandbox_error *error);

/*
 * Whether what the host lends is what it was when the sandbox was made: who can write where a source lies could have put
 * a link in its place. 0, or -EPERM with E_SANDBOX_STATE.
 */
int kept_check_lent(const struct kept *kept, const struct plan *plan, struct sandbox_error *error);

/*
 * The text of kept.json for a sandbox that is to be made: plan->kept_record. `store` and `image` are what the plan
 * stands on. 0 or -errno. The caller frees.
 */
int kept_describe(const struct plan *plan, const struct sandbox_spec *spec, const struct image_store *store,
	const struct image *image, char **out, struct sandbox_error *error);

/* Makes what belongs to a kept sandbox in its new entry, which has its record.json. 0 or -errno. */
int kept_make(const struct registry_entry *entry, const struct plan *plan, struct sandbox_error *error);

/*
 * Brings a new entry to the disk, before its maker tells of it; but after the registry was unlocked, for others would wait
 * as long as the disk takes. 0 or -errno.
 */
int kept_make_durable(const struct registry_entry *entry, struct sandbox_error *error);

/*
 * Appends the names of all layers that kept sandboxes stand on. Until *out_lock is closed no sandbox is made or
 * removed: what is not among them, and not leased, may go. A record that cannot be read is an error (E_SANDBOX_STATE):
 * nobody knows then what is needed. 0 or -errno.
 */
int kept_hold_layers(const char *state, struct sandbox_strings *out, int *out_lock, struct sandbox_error *error);

#endif
