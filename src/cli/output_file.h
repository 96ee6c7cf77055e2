/* Where a command writes an archive: --output, or standard output where that is no terminal. */
#ifndef CLI_OUTPUT_FILE_H
#define CLI_OUTPUT_FILE_H

#include <sys/types.h>

#include "base/new_file.h"

/* What the caller's umask was, which such files have; everything else we make for ourselves. */
void output_file_umask(mode_t mask);

/* `path` is NULL or "-" for standard output. 0 or -errno with E_USAGE; to be finished in either case. */
int output_file_open(const char *path, struct new_file *out, struct sandbox_error *error);

#endif
