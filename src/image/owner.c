#include "image/owner.h"

#include <errno.h>
#include <stdbool.h>
#include <string.h>
#include <sys/xattr.h>

#include "base/text.h"
#include "image/protocol.h"

enum { RECORD_SIZE_MAX = 64 };

/* "UID:GID:MODE" */
static bool parse(char *text, struct file_owner *out)
{
	uint64_t uid, gid, mode;
	char *user = strsep(&text, ":"), *group = strsep(&text, ":");

	if (!group || !text || !text_parse_unsigned(user, UINT32_MAX - 1, &uid) ||
	    !text_parse_unsigned(group, UINT32_MAX - 1, &gid) || !text_parse_octal(text, 07777, &mode))
		return false;
	*out = (struct file_owner){(uint32_t)uid, (uint32_t)gid, (mode_t)mode};
	return true;
}

int file_owner_read(int fd, const struct stat *status, struct file_owner *out)
{
	char text[RECORD_SIZE_MAX + 1];
	ssize_t size = fd < 0 ? -1 : fgetxattr(fd, OVERRIDE_STAT_ATTRIBUTE, text, RECORD_SIZE_MAX);
	mode_t mode = status->st_mode & 07777;
	struct file_owner recorded;

	*out = (struct file_owner){.mode = mode};
	if (fd < 0 || (size < 0 && (errno == ENODATA || errno == ENOTSUP || errno == ERANGE)))
		return 0;
	if (size < 0)
		return -errno;
	text[size] = '\0';
	if (!parse(text, &recorded))
		return 0;
	*out = recorded;
	if (((out->mode ^ mode) & 01777) != 0)
		out->mode = mode;
	return 0;
}
