#include "image/save_layers.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/file.h"
#include "base/memory.h"
#include "base/scope.h"
#include "base/test_switch.h"
#include "image/tar.h"
#include "userns/userns.h"

enum { PROGRESS_INTERVAL_MS = 100, COPY_SIZE = 256 << 10, NAME_SIZE = 100 };

/* ---- the output ---- */

int save_output_open(struct save_output *output, struct image_store *store, int fd, enum sandbox_save_format format,
	struct sandbox_error *error)
{
	struct stat status;
	auto_close int staging = -1;

	*output = (struct save_output){.fd = fd, .spool = -1, .format = format};
	if (format == SANDBOX_SAVE_OCI_ARCHIVE) {
		output->uid = geteuid();
		output->gid = getegid();
	}
	if (fstat(fd, &status) < 0)
		return error_set(error, errno, "look at where the archive is to be written");
	/* What is opened to be appended to takes no header in its middle. */
	output->seekable = S_ISREG(status.st_mode) && !(fcntl(fd, F_GETFL) & O_APPEND);
	if (output->seekable)
		return 0;
	staging = file_open_directory(store->root, "staging", error);
	if (staging < 0)
		return staging;
	output->spool = openat(staging, ".", O_TMPFILE | O_RDWR | O_CLOEXEC, 0600);
	return output->spool < 0 ? error_set(error, errno, "make a file without a name in the image store") : 0;
}

void save_output_finish(struct save_output *output)
{
	fd_close(&output->spool);
}

static void writer_finish(struct tar_writer *writer)
{
	tar_finish(writer);
}

static int write_directory(const struct save_output *output, const char *name, struct sandbox_error *error)
{
	const struct tar_entry entry = {.path = name, .mode = S_IFDIR | 0755, .uid = output->uid, .gid = output->gid};
	auto_finish(writer_finish) struct tar_writer writer;
	int result = tar_start(&writer, output->fd, false, error);

	if (result == 0)
		result = tar_header(&writer, &entry, error);
	return result < 0 ? result : tar_flush(&writer, error);
}

int save_begin(const struct save_output *output, struct sandbox_error *error)
{
	int result;

	if (output->format == SANDBOX_SAVE_DOCKER_ARCHIVE)
		return 0;
	result = write_directory(output, "blobs/", error);
	return result < 0 ? result : write_directory(output, "blobs/sha256/", error);
}

/* A member of a size that is known; `text` may be NULL, and is then to be written by the caller. */
static int write_member(const struct save_output *output, const char *name, uint64_t size, const char *text,
	struct sandbox_error *error)
{
	const struct tar_entry entry = {.path = name, .mode = S_IFREG | 0644, .uid = output->uid, .gid = output->gid,
		.size = size, .fixed = !text};
	auto_finish(writer_finish) struct tar_writer writer;
	int result = tar_start(&writer, output->fd, false, error);

	if (result == 0)
		result = tar_header(&writer, &entry, error);
	if (result == 0 && text)
		result = tar_data(&writer, text, size, error);
	if (result == 0)
		result = tar_pad(&writer, error);
	return result < 0 ? result : tar_flush(&writer, error);
}

int save_member(const struct save_output *output, const char *name, const char *text, struct sandbox_error *error)
{
	return write_member(output, name, strlen(text), text, error);
}

int save_end(const struct save_output *output, struct sandbox_error *error)
{
	auto_finish(writer_finish) struct tar_writer writer;
	int result = tar_start(&writer, output->fd, false, error);

	return result < 0 ? result : tar_end(&writer, NULL, error);
}

/* ---- in the helper ---- */

/* Fewer than PIPE_BUF bytes: it arrives in one piece. */
struct save_report {
	bool done; /* the layer with this number is written, and this is what it is */
	uint32_t layer;
	struct digest diff;
	struct tree_tar_counts counts;
};

struct helper {
	const struct save_output *output;
	struct save_job *jobs;
	size_t first, count;
	int report;
	int root;             /* of the present layer */
	uint64_t reported_at; /* milliseconds */
};

static void report_progress(void *context, const struct tree_tar_counts *counts)
{
	struct helper *helper = context;
	struct save_report report = {.counts = *counts};
	struct timespec now;
	uint64_t milliseconds;

	(void)clock_gettime(CLOCK_MONOTONIC_COARSE, &now);
	milliseconds = (uint64_t)now.tv_sec * 1000 + (uint64_t)now.tv_nsec / 1000000;
	if (milliseconds - helper->reported_at < PROGRESS_INTERVAL_MS)
		return;
	helper->reported_at = milliseconds;
	(void)fd_write_all(helper->report, &report, sizeof(report));
}

static int write_stream(struct helper *helper, const struct save_job *job, int fd, struct save_report *out,
	struct sandbox_error *error)
{
	static const struct tar_entry marker = {.path = ".wh..wh..opq", .mode = S_IFREG};
	auto_finish(writer_finish) struct tar_writer writer;
	const struct tree_tar tree = {
		.writer = &writer, .form = TREE_TAR_LAYER, .root = helper->root, .base = -1, .prefix = "",
		.recorded = job->source.ids.map.single, .noted = true, .progress = report_progress, .context = helper};
	int result = tar_start(&writer, fd, true, error);

	if (result == 0 && job->opaque)
		result = tar_header(&writer, &marker, error);
	if (result == 0)
		result = tree_tar(&tree, &out->counts, error);
	if (result == 0)
		result = tar_end(&writer, &out->diff, error);
	out->counts.bytes = writer.size;
	return result;
}

static void member_name(const struct save_output *output, const struct digest *digest, char out[NAME_SIZE])
{
	if (output->format == SANDBOX_SAVE_DOCKER_ARCHIVE)
		(void)snprintf(out, NAME_SIZE, "%s.tar", digest->hex);
	else
		(void)snprintf(out, NAME_SIZE, "blobs/sha256/%s", digest->hex);
}

/* Into the archive at once, behind a gap for the header that is still to be known. */
static int write_in_place(struct helper *helper, const struct save_job *job, struct save_report *out,
	struct sandbox_error *error)
{
	static const unsigned char gap[TAR_FIXED_HEADER];
	int fd = helper->output->fd, result;
	off_t offset = lseek(fd, 0, SEEK_CUR);
	char name[NAME_SIZE];

	result = offset < 0 ? -errno : fd_write_all(fd, gap, sizeof(gap));
	if (result < 0)
		return tar_write_failed(-result, error);
	result = write_stream(helper, job, fd, out, error);
	if (result < 0)
		return result;
	member_name(helper->output, &out->diff, name);
	if (lseek(fd, offset, SEEK_SET) < 0)
		return tar_write_failed(errno, error);
	result = write_member(helper->output, name, out->counts.bytes, NULL, error);
	if (result == 0 && lseek(fd, offset + TAR_FIXED_HEADER + (off_t)out->counts.bytes, SEEK_SET) < 0)
		return tar_write_failed(errno, error);
	return result;
}

static int copy_spool(const struct save_output *output, uint64_t size, struct sandbox_error *error)
{
	auto_free unsigned char *buffer = memory_zeroed(1, COPY_SIZE);

	for (uint64_t offset = 0; offset < size;) {
		ssize_t got = pread(output->spool, buffer, COPY_SIZE, (off_t)offset);
		int result = got <= 0 ? -(got < 0 ? errno : EIO) : fd_write_all(output->fd, buffer, (size_t)got);

		if (result == -EINTR)
			continue;
		if (result < 0)
			return tar_write_failed(-result, error);
		offset += (uint64_t)got;
	}
	return 0;
}

static int write_by_spool(struct helper *helper, const struct save_job *job, struct save_report *out,
	struct sandbox_error *error)
{
	const struct save_output *output = helper->output;
	char name[NAME_SIZE];
	int result;

	if (ftruncate(output->spool, 0) < 0 || lseek(output->spool, 0, SEEK_SET) < 0)
		return error_set(error, errno, "empty a file in the image store");
	result = write_stream(helper, job, output->spool, out, error);
	if (result < 0)
		return result;
	member_name(output, &out->diff, name);
	result = write_member(output, name, out->counts.bytes, NULL, error);
	return result < 0 ? result : copy_spool(output, out->counts.bytes, error);
}

static int write_layers(void *argument, struct sandbox_error *error)
{
	struct helper *helper = argument;

	for (size_t i = helper->first; i < helper->first + helper->count; i++) {
		const struct save_job *job = &helper->jobs[i];
		struct save_report report = {.done = true, .layer = (uint32_t)i};
		int result;

		helper->root = openat(job->source.lease.wrapper, "root", O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
		if (helper->root < 0)
			return error_set(error, errno, "open the layer %.12s", job->saved.tree.hex);
		result = (helper->output->seekable ? write_in_place : write_by_spool)(helper, job, &report, error);
		(void)close(helper->root);
		test_point("save-layer-written");
		if (result < 0)
			return result;
		(void)fd_write_all(helper->report, &report, sizeof(report));
	}
	return 0;
}

/* ---- outside ---- */

static void add_counts(struct tree_tar_counts *sum, const struct tree_tar_counts *more)
{
	sum->entries += more->entries;
	sum->bytes += more->bytes;
	sum->changed += more->changed;
	sum->sockets += more->sockets;
	sum->attributes += more->attributes;
}

/* Until the helper closes its end. */
static void listen_to(const struct helper *helper, int reports, const struct sandbox_progress *progress,
	struct tree_tar_counts *counts)
{
	struct save_report report;

	while (fd_read_full(reports, &report, sizeof(report)) == sizeof(report)) {
		if (progress)
			progress->show(progress->context, counts->entries + report.counts.entries,
				counts->bytes + report.counts.bytes, 0);
		if (!report.done || report.layer - helper->first >= helper->count)
			continue;
		add_counts(counts, &report.counts);
		helper->jobs[report.layer].saved.diff = report.diff;
		helper->jobs[report.layer].saved.size = report.counts.bytes;
	}
}

static int run_helper(struct helper *helper, const struct sandbox_progress *progress, struct tree_tar_counts *counts,
	struct sandbox_error *error)
{
	auto_finish(userns_child_finish) struct userns_child child = USERNS_CHILD_INIT;
	auto_close int ours = -1, theirs = -1;
	int result = fd_pipe(&ours, &theirs, error);

	if (result < 0)
		return result;
	helper->report = theirs;
	result = userns_start(&helper->jobs[helper->first].source.ids.map, write_layers, helper, &child, error);
	if (result < 0)
		return result;
	fd_close(&theirs);
	listen_to(helper, ours, progress, counts);
	return userns_wait(&child, error);
}

static bool has_same_ids(const struct save_job *one, const struct save_job *other)
{
	char keys[2][IDMAP_KEY_SIZE];

	idmap_key(&one->source.ids.map, keys[0]);
	idmap_key(&other->source.ids.map, keys[1]);
	return strcmp(keys[0], keys[1]) == 0;
}

int save_layers(const struct save_output *output, struct save_job *jobs, size_t count,
	const struct sandbox_progress *progress, struct tree_tar_counts *counts, struct sandbox_error *error)
{
	int result = 0;

	for (size_t first = 0, next; first < count && result == 0; first = next) {
		struct helper helper = {.output = output, .jobs = jobs, .first = first};

		for (next = first + 1; next < count && has_same_ids(&jobs[first], &jobs[next]); next++)
			;
		helper.count = next - first;
		result = run_helper(&helper, progress, counts, error);
	}
	if (progress)
		progress->done(progress->context);
	return result;
}
