/* Small files as a whole. Paths are relative to `directory` (or AT_FDCWD). */
#ifndef BASE_FILE_H
#define BASE_FILE_H

#include <stddef.h>
#include <sys/types.h>

#include "base/error.h"

/*
 * Reads a regular file of at most `limit` bytes. *out_data is NUL-terminated (the NUL is not counted),
 * the caller frees it. 0 or -errno: EFBIG for a larger file, EINVAL for anything but a regular file.
 */
int file_read(int directory, const char *path, size_t limit, char **out_data, size_t *out_size,
	struct sandbox_error *error);

/* The same for an open descriptor, read from its offset on; `name` is for the error. */
int file_read_fd(int fd, const char *name, size_t limit, char **out_data, size_t *out_size,
	struct sandbox_error *error);

/* Writes to an existing file in one write(2), as /proc and /sys want it. 0 or -errno. */
int file_write_existing(int directory, const char *path, const char *text, struct sandbox_error *error);

/* Replaces `name` by a complete new file (staging name, rename), mode `mode`. 0 or -errno. */
int file_replace(int directory, const char *name, const void *data, size_t size, mode_t mode,
	struct sandbox_error *error);

/* The same, and it is on the disk before it takes the other's place: after a power cut there is one of the two. */
int file_replace_durably(int directory, const char *name, const void *data, size_t size, mode_t mode,
	struct sandbox_error *error);

/* Makes the directory `path` with all missing parents, mode `mode`. 0 or -errno. */
int file_make_directories(const char *path, mode_t mode, struct sandbox_error *error);

/* Opens a directory O_DIRECTORY|O_CLOEXEC (readable, not O_PATH). A descriptor or -errno. */
int file_open_directory(int directory, const char *path, struct sandbox_error *error);

/*
 * The same for one whose content is to be believed: no symbolic link, this user's own, and nobody else may write there;
 * else -EPERM with E_HOME_UNUSABLE and a fix that names `option`, which can choose another. A descriptor or -errno.
 */
int file_open_own_directory(int directory, const char *path, const char *option, struct sandbox_error *error);

#endif
