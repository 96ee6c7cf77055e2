/*
 * The files of a sandbox, for commands that stand outside of it: export, cp, diff, commit. They are reached by a helper
 * that is root of a user namespace of the same id map, but in no namespace and no process tree of the sandbox's: nothing in
 * there can see, signal or trace it, and it has no descriptor that leads back.
 *
 * Of a sandbox that runs, init sends descriptors (it is not dumpable, so nobody could take them): a request CHANNEL_FILES
 * travels as that of exec does, with one end of a pair, on which init answers with
 *
 *	FILES_ROOT    its root as the commands inside have it, volumes and all
 *	FILES_TREE    a copy of the root's mount without what is mounted in it: the image, and what was written over it
 *	FILES_LAYERS  the directory that its layers are below
 *	FILES_GROUND  a memfd: whose ids they are, and which layers (JSON)
 *
 * Of a kept one that does not run, the helper mounts the same, in a mount namespace of its own; the entry's lock keeps
 * others from starting it meanwhile.
 */
#ifndef RUNTIME_FILES_H
#define RUNTIME_FILES_H

#include <sandbox/locations.h>
#include <stdbool.h>

#include "base/error.h"
#include "image/image.h"
#include "image/store.h"
#include "rootfs/root.h"
#include "runtime/channel.h"
#include "runtime/plan.h"
#include "runtime/registry.h"
#include "userns/idmap.h"

struct sandbox_files {
	struct registry_entry entry;
	bool running;
	struct idmap idmap;
	int layers;           /* the directory that ground.layers are below */
	struct root_plan ground; /* what it stands on */
	int root, tree;       /* of one that runs from the beginning; else once the helper is in: files_enter */
	/* Of one that does not run: */
	const char *state; /* that the entry is below; borrowed */
	struct image_store store;
	struct image image; /* leased */
};

#define SANDBOX_FILES_INIT \
	{.entry = REGISTRY_ENTRY_INIT, .layers = -1, .root = -1, .tree = -1, .store = IMAGE_STORE_INIT}

/* Finds the sandbox and what leads to its files. 0 or -errno; to be finished in either case. */
int files_open(const struct sandbox_locations *locations, const char *reference, struct sandbox_files *out,
	struct sandbox_error *error);
void files_finish(struct sandbox_files *files);

/*
 * In the helper: from here on files->root and files->tree are there, the latter to be read. With `base`, *base is what was
 * there before the sandbox wrote: a descriptor of the caller's. 0 or -errno.
 */
int files_enter(struct sandbox_files *files, int *base, struct sandbox_error *error);

/* Init's side. Takes the message's descriptors. */
void files_answer(const struct plan *plan, struct channel_message *request);

#endif
