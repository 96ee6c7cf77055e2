/* The helper that looks into a sandbox (runtime/files.h): what the commands that use it have in common. */
#ifndef RUNTIME_FILES_WORK_H
#define RUNTIME_FILES_WORK_H

#include <stdbool.h>

#include "base/error.h"
#include "base/interrupt.h"
#include "image/tree_tar.h"
#include "image/tree_walk.h"
#include "runtime/files.h"

/*
 * Runs function(argument) as the root of the sandbox's ids, in a process of its own. With `interrupt` (or NULL), a signal
 * that is held ends it. 0 or -errno.
 */
int files_run(const struct sandbox_files *files, const struct interrupt *interrupt,
	int (*function)(void *argument, struct sandbox_error *error), void *argument, struct sandbox_error *error);

/*
 * Whether an object of the compared tree is nothing but the place where the sandbox mounts something of its own: an empty
 * file or directory that was made for that. Nobody wrote it, and no image needs it.
 */
bool files_is_mount_place(const struct tree_node *node);

/* Notices for what an archive could not say. */
void files_notice(const struct tree_tar_counts *counts);

#endif
