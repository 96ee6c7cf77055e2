/* The file that an archive is read from. */
#ifndef IMAGE_ARCHIVE_FILE_H
#define IMAGE_ARCHIVE_FILE_H

#include <sandbox/progress.h>
#include <stdbool.h>
#include <sys/stat.h>
#include <time.h>

#include "base/digest.h"
#include "base/error.h"
#include "base/interrupt.h"

struct archive_file {
	const char *source;     /* for the record: the last part of the path, or "-". Borrowed */
	int fd;                 /* borrowed; of an OCI layout its index.json */
	int layout;             /* the folder of such a one, or -1. Borrowed */
	bool whole;             /* read from its very beginning: standard input may be anywhere in a file */
	struct stat before;     /* when it was opened */
	struct timespec started;
};

/* Notes what the file is before it is read. 0 or -errno: E_ARCHIVE_FORMAT for what cannot be an archive. */
int archive_look(struct archive_file *file, struct sandbox_error *error);

/* Whether it was not touched since, nor just before, so that its identity may be recorded (identity.h). */
bool archive_settled(const struct archive_file *file);

/* The digest of a regular file from beginning to end; its offset stays. 0 or -errno; -EINTR after a signal. */
int archive_hash(const struct archive_file *file, const struct interrupt *interrupt,
	const struct sandbox_progress *progress, struct digest *out, struct sandbox_error *error);

#endif
