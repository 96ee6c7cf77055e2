/*
 * A file that is there once it is complete: until then it has no name, where the file system can do that, and whatever was
 * called so before stays as it is.
 */
#ifndef BASE_NEW_FILE_H
#define BASE_NEW_FILE_H

#include "base/error.h"

struct new_file {
	int fd;        /* to be written to; also read, where it is a file */
	int directory; /* -1: what is written to is no file but a pipe or device, and is there already */
	char *name;    /* that it gets in there */
	char *draft;   /* that it has until then; NULL for none */
};

#define NEW_FILE_INIT {.fd = -1, .directory = -1}

/* 0 or -errno. To be finished in either case. */
int new_file_open(const char *path, struct new_file *out, struct sandbox_error *error);

/* Gives it its name. 0 or -errno. */
int new_file_publish(struct new_file *file, struct sandbox_error *error);

/* Closes it; what was not published is gone. Idempotent. */
void new_file_finish(struct new_file *file);

#endif
