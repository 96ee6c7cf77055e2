/* An archive of the smallest root there is: this program, which is static and needs nothing else. */
#ifndef DOCTOR_PROBE_ARCHIVE_H
#define DOCTOR_PROBE_ARCHIVE_H

#include "base/error.h"

/* What the program is called in it. */
#define PROBE_NAME    "sandbox"
#define PROBE_PROGRAM "/" PROBE_NAME

/* Writes it to the new file `path`. 0 or -errno. */
int probe_archive_write(const char *path, struct sandbox_error *error);

#endif
