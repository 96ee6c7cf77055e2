/* Whole reads and writes on descriptors; interrupted calls are continued. */
#ifndef BASE_FD_H
#define BASE_FD_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

#include "base/error.h"

/* A pipe, whose ends are closed when a program is executed. 0 or -errno. */
int fd_pipe(int *out_reader, int *out_writer, struct sandbox_error *error);

/* Closes the descriptor, unless it is -1, and sets it to that. */
void fd_close(int *fd);

/* 0 or -errno. */
int fd_write_all(int fd, const void *data, size_t size);

/* Reads until `size` bytes or the end of the file. The number of bytes, or -errno. */
ssize_t fd_read_full(int fd, void *data, size_t size);

/* How many bytes can be read now without waiting; 0 for a descriptor that is not open. */
int fd_readable(int fd);

/* Sets or clears FD_CLOEXEC. 0 or -errno. */
int fd_set_cloexec(int fd, bool on);

/*
 * Makes descriptors 0, 1 and 2 exist (as /dev/null, unreadable or unwritable as closed ones were not
 * there at all), so that nothing opened later lands on them by accident. 0 or -errno.
 */
int fd_occupy_standard(void);

#endif
