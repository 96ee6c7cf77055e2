/* Whose a file is for the archive that it came from, where a single id owns all: see OVERRIDE_STAT_ATTRIBUTE. */
#ifndef IMAGE_OWNER_H
#define IMAGE_OWNER_H

#include <stdint.h>
#include <sys/stat.h>

/* As archives have them. */
struct file_owner {
	uint32_t uid, gid;
	mode_t mode; /* permissions and set-id bits */
};

/*
 * What is recorded of the file `fd`; without a record, or with `fd` -1, which takes none, it is root's. The recorded mode
 * counts only while the file has it but for set-id bits: else somebody changed that since. What no import has written there
 * is no record: the root of a sandbox can write anything. 0 or -errno.
 */
int file_owner_read(int fd, const struct stat *status, struct file_owner *out);

#endif
