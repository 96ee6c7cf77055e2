#include "base/program.h"

#include <limits.h>
#include <string.h>
#include <unistd.h>

#include "base/memory.h"
#include "base/scope.h"

char *program_find_file(const char *const *paths)
{
	char self[PATH_MAX];
	ssize_t length = readlink("/proc/self/exe", self, sizeof(self) - 1);
	char *slash;

	self[length > 0 ? length : 0] = '\0';
	slash = strrchr(self, '/');
	if (!slash)
		return NULL;
	*slash = '\0';
	for (; *paths; paths++) {
		auto_free char *path = memory_format("%s/%s", self, *paths);

		if (access(path, F_OK) == 0)
			return take_ptr(path);
	}
	return NULL;
}
