#include "image/archive_file.h"

#include <errno.h>
#include <unistd.h>

#include "base/memory.h"
#include "base/progress.h"
#include "base/scope.h"
#include "image/identity.h"

enum {
	HASH_BUFFER_SIZE = 64 << 10,
	PROGRESS_BYTES = 64 << 20,
};

static int archive_is_no_file(const struct archive_file *file, struct sandbox_error *error)
{
	if (S_ISDIR(file->before.st_mode)) {
		(void)error_set(error, EISDIR, "read the archive \"%.200s\"", file->source);
		(void)error_cause(error, SANDBOX_E_ARCHIVE_FORMAT, "it is a directory");
		return error_fix(error, "tar -C DIR -c . | sandbox import --name NAME -");
	}
	(void)error_set(error, 0, "read the archive \"%.200s\"", file->source);
	(void)error_cause(error, SANDBOX_E_ARCHIVE_FORMAT, "it is a device or a terminal");
	return error_fix(error, "name a file, or pipe an archive into it: docker export NAME | sandbox run - COMMAND");
}

int archive_look(struct archive_file *file, struct sandbox_error *error)
{
	(void)clock_gettime(CLOCK_REALTIME, &file->started);
	if (fstat(file->fd, &file->before) < 0)
		return error_set(error, errno, "look at the archive");
	/* Regular files, pipes and sockets end; a block device is at least of some size. */
	if (S_ISDIR(file->before.st_mode) || S_ISCHR(file->before.st_mode))
		return archive_is_no_file(file, error);
	return 0;
}

bool archive_settled(const struct archive_file *file)
{
	struct stat after;

	return file->whole && S_ISREG(file->before.st_mode) && fstat(file->fd, &after) == 0 &&
		identity_is_settled(&file->before, &after, &file->started);
}

int archive_hash(const struct archive_file *file, const struct interrupt *interrupt,
	const struct sandbox_progress *progress, struct digest *out, struct sandbox_error *error)
{
	auto_free unsigned char *buffer = memory_zeroed(HASH_BUFFER_SIZE, 1);
	struct digest_stream stream;
	off_t offset = 0;

	progress_begin(progress, "comparing %.64s", file->source);
	digest_start(&stream);
	for (;;) {
		ssize_t got = pread(file->fd, buffer, HASH_BUFFER_SIZE, offset);

		if (interrupt_check(interrupt, error) < 0)
			return -EINTR;
		if (got < 0 && errno == EINTR)
			continue;
		if (got < 0)
			return error_set(error, errno, "read the archive");
		if (got == 0)
			break;
		digest_add(&stream, buffer, (size_t)got);
		offset += got;
		if (offset % PROGRESS_BYTES < got)
			progress_show(progress, 0, (uint64_t)offset, (uint64_t)file->before.st_size);
	}
	progress_done(progress);
	digest_end(&stream, out);
	return 0;
}
