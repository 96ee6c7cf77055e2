#include "base/new_file.h"

#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/memory.h"
#include "base/scope.h"

/* A name that nobody else has. The caller frees. */
static char *make_draft(const char *name)
{
	uint64_t number = 0;

	(void)!getrandom(&number, sizeof(number), 0);
	return memory_format(".%.200s.%llx", name, (unsigned long long)number);
}

/* A file in the directory, without a name if that can be. 0 or -errno. */
static int make_file(struct new_file *file)
{
	file->fd = openat(file->directory, ".", O_TMPFILE | O_RDWR | O_CLOEXEC, 0666);
	if (file->fd >= 0 || (errno != EOPNOTSUPP && errno != EISDIR && errno != ENOENT))
		return file->fd < 0 ? -errno : 0;
	file->draft = make_draft(file->name);
	file->fd = openat(file->directory, file->draft, O_RDWR | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0666);
	if (file->fd >= 0)
		return 0;
	free(take_ptr(file->draft));
	return -errno;
}

int new_file_open(const char *path, struct new_file *out, struct sandbox_error *error)
{
	struct stat status;
	bool exists = stat(path, &status) == 0;
	/* A link to a file goes on to be one. */
	auto_free char *real = exists ? realpath(path, NULL) : memory_text(path);
	char *slash = real ? strrchr(real, '/') : NULL;
	int result;

	*out = (struct new_file)NEW_FILE_INIT;
	if (exists && !S_ISREG(status.st_mode)) {
		out->fd = open(path, O_WRONLY | O_NOCTTY | O_CLOEXEC);
		return out->fd < 0 ? error_set(error, errno, "open %.300s", path) : 0;
	}
	if (!real)
		return error_set(error, errno, "open %.300s", path);
	out->name = memory_text(slash ? slash + 1 : real);
	if (slash)
		slash[slash == real] = '\0';
	out->directory = open(slash ? real : ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	result = out->directory < 0 ? -errno : *out->name ? make_file(out) : -EISDIR;
	/* Who may read what was there may read what comes in its place, and nobody else. */
	if (result == 0 && exists && fchmod(out->fd, status.st_mode & 0777) < 0)
		result = -errno;
	return result < 0 ? error_set(error, -result, "make %.300s", path) : 0;
}

/* linkat(2) replaces nothing, renameat(2) needs a name. */
static int name_file(struct new_file *file)
{
	char self[32];

	if (!file->draft) {
		file->draft = make_draft(file->name);
		(void)snprintf(self, sizeof(self), "/proc/self/fd/%d", file->fd);
		if (linkat(AT_FDCWD, self, file->directory, file->draft, AT_SYMLINK_FOLLOW) < 0) {
			free(take_ptr(file->draft));
			return -errno;
		}
	}
	if (renameat(file->directory, file->draft, file->directory, file->name) < 0)
		return -errno;
	free(take_ptr(file->draft));
	return 0;
}

int new_file_publish(struct new_file *file, struct sandbox_error *error)
{
	int result = file->directory < 0 ? 0 : name_file(file);

	return result < 0 ? error_set(error, -result, "make %.300s", file->name) : 0;
}

void new_file_finish(struct new_file *file)
{
	if (file->draft && file->directory >= 0)
		(void)unlinkat(file->directory, file->draft, 0);
	scope_close(&file->fd);
	scope_close(&file->directory);
	free(file->name);
	free(file->draft);
	*file = (struct new_file)NEW_FILE_INIT;
}
