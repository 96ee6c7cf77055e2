#include <errno.h>
#include <linux/fs.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "base/fd.h"
#include "image/copy_work.h"

/* Below that, one read and one write are cheaper than a call that has to find out how to copy. */
enum { COPY_SMALL = 64 << 10 };
enum { STAT_BLOCK = 512 };

/* 1 when the blocks are shared from now on, 0 when they cannot be, or -errno. */
static int share_blocks(struct copy_work *work, int from, int to)
{
	if (work->no_clone)
		return 0;
	if (ioctl(to, FICLONE, from) == 0)
		return 1;
	if (errno == ENOSPC || errno == EDQUOT || errno == EIO)
		return -errno;
	work->no_clone = true;
	return 0;
}

static bool is_unsupported(int code)
{
	return code == ENOSYS || code == EOPNOTSUPP || code == EXDEV || code == EINVAL || code == EPERM;
}

/* Copies up to `size` bytes at `offset` in the kernel. The number, or -errno; 0 at the end of the file. */
static ssize_t copy_in_kernel(struct copy_work *work, int from, int to, off_t offset, size_t size)
{
	off_t in = offset, out = offset;
	ssize_t copied;

	do
		copied = copy_file_range(from, &in, to, &out, size, 0);
	while (copied < 0 && errno == EINTR);
	if (copied < 0 && is_unsupported(errno))
		work->no_range = true;
	return copied < 0 ? -errno : copied;
}

static ssize_t copy_by_buffer(struct copy_work *work, int from, int to, off_t offset, size_t size)
{
	ssize_t got, put = 0;

	do
		got = pread(from, work->buffer, size < COPY_BUFFER_SIZE ? size : COPY_BUFFER_SIZE, offset);
	while (got < 0 && errno == EINTR);
	if (got < 0)
		return -errno;
	while (put < got) {
		ssize_t written = pwrite(to, work->buffer + put, (size_t)(got - put), offset + put);

		if (written < 0 && errno != EINTR)
			return -errno;
		put += written < 0 ? 0 : written;
	}
	return got;
}

/* The bytes from `offset` up to `end`, which are data. 0 or -errno. */
static int copy_piece(struct copy_work *work, int from, int to, off_t offset, off_t end)
{
	while (offset < end) {
		size_t size = end - offset < 1 << 30 ? (size_t)(end - offset) : 1 << 30;
		ssize_t copied = -ENOSYS;

		if (!work->no_range && size > COPY_SMALL)
			copied = copy_in_kernel(work, from, to, offset, size);
		if (copied < 0 && is_unsupported((int)-copied))
			copied = copy_by_buffer(work, from, to, offset, size);
		if (copied < 0)
			return (int)copied;
		/* Shorter than it was: in the store that is damage. */
		if (copied == 0) {
			work->shrunk++;
			return work->lives ? 0 : -EIO;
		}
		offset += copied;
		work->counts.bytes += (uint64_t)copied;
		if (work->copy->progress)
			work->copy->progress(work->copy->context, &work->counts);
	}
	return 0;
}

static int copy_pieces(struct copy_work *work, int from, int to, off_t size)
{
	off_t end = 0;

	while (end < size) {
		off_t data = lseek(from, end, SEEK_DATA);
		int result;

		/* ENXIO: nothing but a hole up to the end. */
		if (data < 0)
			return errno == ENXIO ? 0 : -errno;
		end = lseek(from, data, SEEK_HOLE);
		if (end < 0)
			return -errno;
		result = copy_piece(work, from, to, data, end < size ? end : size);
		if (result < 0)
			return result;
	}
	return 0;
}

static int copy_content(struct copy_work *work, int from, int to, const struct stat *status)
{
	bool has_holes = status->st_blocks < status->st_size / STAT_BLOCK;
	int result = share_blocks(work, from, to);

	if (result != 0)
		return result < 0 ? result : 0;
	if (!has_holes)
		return copy_piece(work, from, to, 0, status->st_size);
	if (ftruncate(to, status->st_size) < 0)
		return -errno;
	return copy_pieces(work, from, to, status->st_size);
}

int copy_data(struct copy_work *work, int from, int to, const struct stat *status, const char *name,
	struct sandbox_error *error)
{
	int result = status->st_size ? copy_content(work, from, to, status) : 0;

	return result < 0 ? copy_failed(error, -result, name, "copy its data") : 0;
}
