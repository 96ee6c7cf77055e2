#include "image/importer.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/openat2.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/memory.h"
#include "base/progress.h"
#include "base/scope.h"
#include "kernel/syscalls.h"
#include "userns/userns.h"

/*
 * By descriptor: inside the user namespace, a program in a home that only its owner may enter could not be
 * named any more when the caller is the host's root.
 */
static int open_program(const char *path)
{
	return open(path, O_PATH | O_CLOEXEC);
}

static int find_program(const char *wanted, struct sandbox_error *error)
{
	char self[PATH_MAX];
	ssize_t length = readlink("/proc/self/exe", self, sizeof(self) - 1);
	auto_free char *beside = NULL, *installed = NULL;
	int fd = wanted ? open_program(wanted) : -1;
	char *slash;

	if (wanted)
		return fd < 0 ? error_set(error, errno, "open %s", wanted) : fd;
	self[length > 0 ? length : 0] = '\0';
	slash = strrchr(self, '/');
	if (slash)
		*slash = '\0';
	beside = memory_format("%s/sandbox-import", self);
	installed = memory_format("%s/../libexec/sandbox/sandbox-import", self);
	fd = slash ? open_program(beside) : -1;
	if (fd < 0 && slash)
		fd = open_program(installed);
	if (fd >= 0)
		return fd;
	if (errno != ENOENT && errno != ENOTDIR)
		return error_set(error, errno, "open %s", installed);
	(void)error_set(error, ENOENT, "find sandbox-import, which unpacks archives");
	(void)error_cause(error, SANDBOX_E_IMPORTER_MISSING, "it is neither %s nor %s", beside, installed);
	(void)error_fix(error, "install sandbox completely (make install), or keep both programs in one directory");
	return -ENOENT;
}

struct start {
	int program;
	int archive, root, report, lock, spool;
};

/* In the child, as root of the user namespace: becomes the importer. */
static int become_importer(void *argument, struct sandbox_error *error)
{
	const struct start *start = argument;
	/* In the order of the arguments. */
	const int kept[] = {start->archive, start->root, start->report, start->lock, start->spool};
	char numbers[array_count(kept)][12];
	char *arguments[array_count(kept) + 2] = {(char []){"sandbox-import"}};

	for (size_t i = 0; i < array_count(kept); i++) {
		if (fd_set_cloexec(kept[i], false) < 0)
			return error_set(error, errno, "pass descriptors to the importer");
		(void)snprintf(numbers[i], sizeof(numbers[i]), "%d", kept[i]);
		arguments[1 + i] = numbers[i];
	}
	(void)execveat(start->program, "", arguments, environ, AT_EMPTY_PATH);
	return error_set(error, errno, "start sandbox-import");
}

/* What the user can do about a refusal: the importer knows the archive, not the command line. */
static void suggest(struct sandbox_error *error)
{
	static const struct {
		enum sandbox_error_id id;
		const char *fix;
	} fixes[] = {
		{SANDBOX_E_ARCHIVE_FORMAT, "make one: docker export CONTAINER, podman export CONTAINER, or tar -C ROOT -c ."},
		{SANDBOX_E_ARCHIVE_TRUNCATED, "fetch or export it again, and compare its checksum"},
		{SANDBOX_E_ARCHIVE_HOSTILE, "do not trust it; if it is your own, make it again with tar -C ROOT -c ."},
		{SANDBOX_E_ARCHIVE_LIMIT, "if you trust it, raise the limit: `sandbox import --help`, sandbox-config(5)"},
		{SANDBOX_E_NO_SPACE, "free some space (`sandbox gc`, `sandbox rmi`), or use another directory with --root DIR"},
		{SANDBOX_E_NO_ATTRIBUTES, "put the store on another file system (ext4, xfs, btrfs) with --root DIR"},
	};

	if (!error || error->fix[0])
		return;
	for (size_t i = 0; i < array_count(fixes); i++)
		if (error->id == fixes[i].id)
			(void)error_fix(error, "%s", fixes[i].fix);
}

void import_image_finish(struct import_image *image)
{
	free(image->layers);
	image_config_finish(&image->config);
	*image = (struct import_image){0};
}

int layout_open_blob(int layout, const char *digest)
{
	static const uint64_t resolve = RESOLVE_BENEATH | RESOLVE_NO_SYMLINKS | RESOLVE_NO_MAGICLINKS;
	char path[sizeof("blobs/sha256/") + DIGEST_HEX_SIZE];
	auto_close int fd = -1;
	struct stat status;

	(void)snprintf(path, sizeof(path), "blobs/sha256/%s", digest);
	/* A FIFO would keep us waiting. */
	fd = kernel_openat2(layout, path, O_RDONLY | O_NONBLOCK | O_CLOEXEC, 0, resolve);
	if (fd < 0)
		return errno == ELOOP || errno == EXDEV || errno == ENOTDIR ? -ENOENT : -errno;
	return fstat(fd, &status) == 0 && S_ISREG(status.st_mode) ? take_fd(&fd) : -ENOENT;
}

/* One by one it was told how many there may be; whether it keeps to that is not known. */
static int take_layer(struct import_image *image, const struct import_layer *layer, struct sandbox_error *error)
{
	if (image->layer_count == IMPORT_LAYERS_MAX)
		return error_set(error, EPROTO, "receive from the importer");
	image->layers = memory_resize(image->layers, image->layer_count + 1, sizeof(*image->layers));
	image->layers[image->layer_count++] = *layer;
	return 0;
}

static int hand_over_blob(const struct importer *importer, int socket, const char *digest, struct sandbox_error *error)
{
	auto_close int blob = importer->mode == IMPORT_LAYOUT ? layout_open_blob(importer->layout, digest) : -ENOENT;
	int result = import_blob_send(socket, blob);

	return result < 0 ? error_set(error, -result, "hand a file to the importer") : 0;
}

/* Until the importer has said its last word. 1 with *out filled, 0 when it died without one, or -errno. */
static int listen_to(const struct importer *importer, int socket, struct import_result *out,
	struct import_image *out_image, struct sandbox_error *error)
{
	static struct import_message message;
	size_t texts = 0;

	for (;;) {
		int result = interrupt_wait(importer->interrupt, socket, error);

		if (result == 0)
			result = import_message_receive(socket, &message, error);
		if (result <= 0)
			return result;
		switch (message.kind) {
		case IMPORT_PROGRESS:
			progress_show(importer->progress, message.progress.entries, message.progress.archive_bytes,
				importer->archive_size);
			break;
		case IMPORT_LAYER_FOUND:
			result = take_layer(out_image, &message.layer, error);
			break;
		case IMPORT_TEXT_FOUND:
			result = texts++ < IMPORT_TEXT_COUNT_MAX ?
				image_config_add(&out_image->config, message.text.kind, message.text.text, error) :
				error_set(error, EPROTO, "receive from the importer");
			suggest(error);
			break;
		case IMPORT_WANTED:
			result = hand_over_blob(importer, socket, message.wanted.hex, error);
			break;
		case IMPORT_FAILED:
			if (error)
				*error = message.failure;
			suggest(error);
			return message.failure.code ? -message.failure.code : -EINVAL;
		case IMPORT_DONE:
			*out = message.result;
			return 1;
		}
		if (result < 0)
			return result;
	}
}

static int explain_death(int result, struct sandbox_error *error)
{
	if (result == 0)
		(void)error_set(error, ECHILD, "the importer ended without a result");
	return error_child_died(error, "it was killed, or it ran into an error of its own");
}

int importer_run(const struct importer *importer, struct import_result *out, struct import_image *out_image,
	struct sandbox_error *error)
{
	auto_finish(userns_child_finish) struct userns_child child = USERNS_CHILD_INIT;
	struct import_request request = {
		.mode = importer->mode, .single = importer->map->single, .progress = importer->progress != NULL,
		.offset = importer->offset, .size = importer->size, .choice = importer->choice, .limits = importer->limits,
	};
	auto_close int program = find_program(importer->program, error);
	auto_close int ours = -1, theirs = -1;
	struct start start = {program, importer->archive, importer->root, -1, importer->lock, importer->spool};
	int ends[2], result, ended;

	if (program < 0)
		return program;
	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends) < 0)
		return error_set(error, errno, "make a socket pair");
	ours = ends[0];
	theirs = start.report = ends[1];
	/* The request waits in the socket for the program to start. */
	result = import_request_send(ours, &request);
	if (result < 0)
		return error_set(error, -result, "send the import request");
	result = userns_start(importer->map, become_importer, &start, &child, error);
	if (result < 0)
		return result;
	fd_close(&theirs);
	result = listen_to(importer, ours, out, out_image, error);
	progress_done(importer->progress);
	if (result < 0)
		return result;
	ended = userns_wait(&child, error);
	if (result == 0)
		return ended < 0 && (!error || error->id != SANDBOX_E_CHILD_DIED) ? ended : explain_death(ended, error);
	return ended;
}
