/* Progress of an import: one line on standard error, if that is a terminal and nobody asked for quiet. */
#ifndef CLI_IMPORT_PROGRESS_H
#define CLI_IMPORT_PROGRESS_H

#include <sandbox/progress.h>

extern const struct sandbox_progress import_progress;

#endif
