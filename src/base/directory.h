/*
 * Reading directories. A part of one must never be taken for all of it: who removes what nobody needs would remove what
 * the names that are missing need.
 */
#ifndef BASE_DIRECTORY_H
#define BASE_DIRECTORY_H

#include <dirent.h>

/* A stream that owns the descriptor, which is closed where there is none: NULL and errno. Of -1 NULL, and errno stays. */
DIR *directory_read(int fd);

/*
 * The next name but "." and "..", which is good until the next call. NULL at the end, where errno is 0, and after a
 * failure, which errno tells.
 */
char *directory_next(DIR *stream);

#endif
