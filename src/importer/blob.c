#include "importer/blob.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/json.h"
#include "base/scope.h"
#include "base/test_switch.h"
#include "image/protocol.h"
#include "importer/describe.h"

/* What registries and other tools take for a manifest. */
enum { JSON_SIZE_MAX = 4 << 20, NAME_SHOWN = 100, PATH_SIZE = 128 };

void blob_finish(struct blob *blob)
{
	if (blob->owned && blob->fd >= 0)
		(void)close(blob->fd);
	*blob = (struct blob)BLOB_INIT;
}

static int blob_missing(const char *name, struct sandbox_error *error)
{
	(void)describe_refuse(error, "it does not hold %.*s, which it names", NAME_SHOWN, name);
	return -ENOENT;
}

int blob_open_path(const struct blobs *blobs, const char *path, struct blob *out, struct sandbox_error *error)
{
	const struct member *member = blobs->members ? members_find(blobs->members, path) : NULL;

	if (!member)
		return blob_missing(path, error);
	*out = (struct blob){.fd = blobs->fd, .offset = blobs->base + member->offset, .size = member->size};
	return 0;
}

/* From the process that may look into the folder. */
static int blob_ask(int socket, const char *digest, struct blob *out, struct sandbox_error *error)
{
	struct import_message message = {.kind = IMPORT_WANTED};
	struct stat status;
	int fd, result;

	memcpy(message.wanted.hex, digest, sizeof(message.wanted.hex));
	result = import_message_send(socket, &message);
	fd = result < 0 ? result : import_blob_receive(socket);
	if (fd == -ENOENT)
		return blob_missing(digest, error);
	if (fd < 0)
		return error_set(error, -fd, "open blobs/sha256/%s", digest);
	*out = (struct blob){.fd = fd, .owned = true};
	if (fstat(fd, &status) < 0)
		return error_set(error, errno, "look at blobs/sha256/%s", digest);
	out->size = (uint64_t)status.st_size;
	return 0;
}

int blob_open(const struct blobs *blobs, const char *digest, struct blob *out, struct sandbox_error *error)
{
	char path[PATH_SIZE];

	if (!blobs->members)
		return blob_ask(blobs->socket, digest, out, error);
	(void)snprintf(path, sizeof(path), "blobs/sha256/%s", digest);
	return blob_open_path(blobs, path, out, error);
}

static int blob_read(const struct blob *blob, const char *name, char *out, struct sandbox_error *error)
{
	size_t filled = 0;

	while (filled < blob->size) {
		ssize_t got = pread(blob->fd, out + filled, blob->size - filled, (off_t)(blob->offset + filled));

		if (got < 0 && errno == EINTR)
			continue;
		if (got < 0)
			return error_set(error, errno, "read %.*s", NAME_SHOWN, name);
		if (got == 0)
			return describe_refuse(error, "%.*s ends too early", NAME_SHOWN, name);
		filled += (size_t)got;
	}
	return 0;
}

int blob_parse(const struct blob *blob, const char *name, const char *digest, struct json_object **out,
	struct sandbox_error *error)
{
	auto_free char *text = NULL;
	struct sandbox_error problem = {0};
	struct digest found;
	int result;

	if (blob->size > JSON_SIZE_MAX) {
		(void)error_set(error, E2BIG, "read %.*s of an image", NAME_SHOWN, name);
		return error_cause(error, SANDBOX_E_ARCHIVE_LIMIT, "it is larger than %d MiB", JSON_SIZE_MAX >> 20);
	}
	text = malloc(blob->size + 1);
	if (!text)
		return error_set(error, ENOMEM, "read %.*s of an image", NAME_SHOWN, name);
	result = blob_read(blob, name, text, error);
	if (result < 0)
		return result;
	text[blob->size] = '\0';
	digest_of(text, blob->size, &found);
	if (digest && strcmp(found.hex, digest) != 0 && !test_defence_removed("image-digest"))
		return describe_mismatch(error, name, digest, found.hex);
	result = json_parse(text, blob->size, name, out, &problem);
	return result < 0 ? describe_refuse(error, "%.*s", 300, problem.text) : 0;
}
