#include "base/directory.h"

#include <errno.h>
#include <stdbool.h>
#include <unistd.h>

DIR *directory_read(int fd)
{
	DIR *stream = fd < 0 ? NULL : fdopendir(fd);
	int code = errno;

	if (fd >= 0 && !stream)
		(void)close(fd);
	errno = code;
	return stream;
}

static bool is_dot(const char *name)
{
	return name[0] == '.' && (!name[1] || (name[1] == '.' && !name[2]));
}

char *directory_next(DIR *stream)
{
	struct dirent *entry;

	while ((errno = 0, entry = readdir(stream)))
		if (!is_dot(entry->d_name))
			return entry->d_name;
	return NULL;
}
