#include "doctor/probe_archive.h"

#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/sendfile.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/scope.h"

enum { TAR_BLOCK = 512 };

/* The ustar form of tar(5). Numbers are octal text. */
struct tar_header {
	char name[100];
	char mode[8];
	char uid[8];
	char gid[8];
	char size[12];
	char mtime[12];
	char checksum[8];
	char type;
	char link[100];
	char magic[8];
	char rest[247];
};

_Static_assert(sizeof(struct tar_header) == TAR_BLOCK, "a header is one block");

static struct tar_header file_header(const char *name, uint64_t size)
{
	struct tar_header header = {.type = '0', .magic = "ustar\00000"};
	unsigned int sum = 0;

	(void)snprintf(header.name, sizeof(header.name), "%s", name);
	(void)snprintf(header.mode, sizeof(header.mode), "%07o", 0755);
	(void)snprintf(header.uid, sizeof(header.uid), "%07o", 0);
	(void)snprintf(header.gid, sizeof(header.gid), "%07o", 0);
	(void)snprintf(header.size, sizeof(header.size), "%011llo", (unsigned long long)size);
	(void)snprintf(header.mtime, sizeof(header.mtime), "%011o", 0);
	/* Summed up with blanks in its own place. */
	memset(header.checksum, ' ', sizeof(header.checksum));
	for (size_t i = 0; i < sizeof(header); i++)
		sum += ((const unsigned char *)&header)[i];
	(void)snprintf(header.checksum, sizeof(header.checksum), "%06o", sum);
	return header;
}

static int copy_file(int from, int to, off_t size)
{
	while (size > 0) {
		ssize_t copied = sendfile(to, from, NULL, (size_t)size);

		if (copied < 0 && errno == EINTR)
			continue;
		if (copied <= 0)
			return copied < 0 ? -errno : -EIO;
		size -= copied;
	}
	return 0;
}

static int write_archive(int program, int archive)
{
	static const char zeros[3 * TAR_BLOCK];
	struct tar_header header;
	struct stat status;
	int result;

	if (fstat(program, &status) < 0)
		return -errno;
	header = file_header(PROBE_NAME, (uint64_t)status.st_size);
	result = fd_write_all(archive, &header, sizeof(header));
	if (result == 0)
		result = copy_file(program, archive, status.st_size);
	/* The rest of the last block, and two empty ones. */
	if (result == 0)
		result = fd_write_all(archive, zeros,
			2UL * TAR_BLOCK + (size_t)((TAR_BLOCK - status.st_size % TAR_BLOCK) % TAR_BLOCK));
	return result;
}

int probe_archive_write(const char *path, struct sandbox_error *error)
{
	auto_close int program = open("/proc/self/exe", O_RDONLY | O_CLOEXEC);
	auto_close int archive = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
	int result;

	if (program < 0 || archive < 0)
		return error_set(error, errno, "make %s", path);
	result = write_archive(program, archive);
	return result < 0 ? error_set(error, -result, "write %s", path) : 0;
}
