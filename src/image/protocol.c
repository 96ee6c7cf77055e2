#include "image/protocol.h"

#include <errno.h>
#include <stddef.h>
#include <string.h>
#include <sys/socket.h>

const char image_own_architecture[] =
#if defined(__x86_64__)
	"amd64";
#elif defined(__aarch64__)
	"arm64";
#else
#error "name the architecture as images do"
#endif

void import_counts_add(struct import_counts *sum, const struct import_counts *more)
{
	sum->stream_bytes += more->stream_bytes;
	sum->apparent_bytes += more->apparent_bytes;
	sum->entries += more->entries;
	sum->files += more->files;
	sum->directories += more->directories;
	sum->symlinks += more->symlinks;
	sum->hard_links += more->hard_links;
	sum->fifos += more->fifos;
	sum->devices_skipped += more->devices_skipped;
	sum->devices_missed += more->devices_missed;
	sum->attributes_dropped += more->attributes_dropped;
	sum->owners_dropped += more->owners_dropped;
}

/* The whole packet or an error: a packet that is too long is never the beginning of one. Its size, 0, or -errno. */
static ssize_t packet_receive(int socket, void *packet, size_t size)
{
	ssize_t got;

	do
		/* MSG_TRUNC: the true length of a packet that is too long. */
		got = recv(socket, packet, size, MSG_TRUNC);
	while (got < 0 && errno == EINTR);
	if (got < 0)
		return errno == ECONNRESET ? 0 : -errno;
	return (size_t)got <= size ? got : -EPROTO;
}

static int packet_send(int socket, const void *packet, size_t size)
{
	ssize_t sent;

	do
		sent = send(socket, packet, size, MSG_NOSIGNAL);
	while (sent < 0 && errno == EINTR);
	return sent < 0 ? -errno : 0;
}

/* How long a message of this kind is; 0 for no kind. A text is as long as it is. */
static size_t message_size(const struct import_message *message, size_t text_size)
{
	static const size_t start = offsetof(struct import_message, result);

	switch (message->kind) {
	case IMPORT_PROGRESS:
		return start + sizeof(message->progress);
	case IMPORT_DONE:
		return start + sizeof(message->result);
	case IMPORT_FAILED:
		return start + sizeof(message->failure);
	case IMPORT_LAYER_FOUND:
		return start + sizeof(message->layer);
	case IMPORT_TEXT_FOUND:
		return offsetof(struct import_message, text.text) + text_size + 1;
	case IMPORT_WANTED:
		return start + sizeof(message->wanted);
	}
	return 0;
}

static bool digest_is_sound(const struct digest *digest)
{
	/* The end first: digest_is_valid reads a string. */
	return digest->hex[DIGEST_HEX_SIZE - 1] == '\0' && digest_is_valid(digest->hex);
}

static bool layer_is_sound(struct import_layer *layer)
{
	return digest_is_sound(&layer->diff) && (layer->blob.hex[0] == '\0' || digest_is_sound(&layer->blob)) &&
		layer->offset <= INT64_MAX && layer->size <= INT64_MAX - layer->offset;
}

/* `size` is that of the packet. */
static bool message_is_sound(struct import_message *message, size_t size)
{
	size_t text_size = 0;

	if (size < offsetof(struct import_message, result))
		return false;
	if (message->kind == IMPORT_TEXT_FOUND && size > offsetof(struct import_message, text.text))
		text_size = size - offsetof(struct import_message, text.text) - 1;
	if (size != message_size(message, text_size))
		return false;
	switch (message->kind) {
	case IMPORT_PROGRESS:
		return true;
	case IMPORT_DONE:
		message->result.compression[sizeof(message->result.compression) - 1] = '\0';
		return message->result.images <= IMPORT_IMAGES_MAX &&
			digest_is_sound(&message->result.archive) && digest_is_sound(&message->result.diff);
	case IMPORT_FAILED:
		error_sanitize(&message->failure);
		return true;
	case IMPORT_LAYER_FOUND:
		return layer_is_sound(&message->layer);
	case IMPORT_TEXT_FOUND:
		return message->text.kind > 0 && message->text.kind < IMPORT_TEXT_KINDS &&
			memchr(message->text.text, '\0', text_size + 1) == message->text.text + text_size;
	case IMPORT_WANTED:
		return digest_is_sound(&message->wanted);
	}
	return false;
}

int import_message_receive(int socket, struct import_message *out, struct sandbox_error *error)
{
	ssize_t got = packet_receive(socket, out, sizeof(*out));

	if (got == 0)
		return 0;
	if (got > 0 && !message_is_sound(out, (size_t)got))
		got = -EPROTO;
	if (got < 0)
		return error_set(error, (int)-got, "receive from the importer");
	return 1;
}

int import_message_send(int socket, const struct import_message *message)
{
	bool is_text = message->kind == IMPORT_TEXT_FOUND;

	return packet_send(socket, message, message_size(message, is_text ? strlen(message->text.text) : 0));
}

int import_request_send(int socket, const struct import_request *request)
{
	return packet_send(socket, request, sizeof(*request));
}

int import_request_receive(int socket, struct import_request *out)
{
	ssize_t got = packet_receive(socket, out, sizeof(*out));

	if (got >= 0 && (size_t)got != sizeof(*out))
		return got ? -EPROTO : -EPIPE;
	return got > 0 ? 0 : (int)got;
}

/* Room for one descriptor, aligned as the kernel wants it: cmsg(3). */
union blob_control {
	struct cmsghdr header;
	char room[CMSG_SPACE(sizeof(int))];
};

int import_blob_send(int socket, int blob)
{
	union blob_control control = {.room = {0}};
	int status = blob < 0 ? blob : 0;
	struct iovec data = {&status, sizeof(status)};
	struct msghdr message = {.msg_iov = &data, .msg_iovlen = 1};

	if (blob >= 0) {
		message.msg_control = &control;
		message.msg_controllen = sizeof(control);
		control.header = (struct cmsghdr){
			.cmsg_len = CMSG_LEN(sizeof(int)), .cmsg_level = SOL_SOCKET, .cmsg_type = SCM_RIGHTS};
		memcpy(CMSG_DATA(&control.header), &blob, sizeof(blob));
	}
	return sendmsg(socket, &message, MSG_NOSIGNAL) < 0 ? -errno : 0;
}

int import_blob_receive(int socket)
{
	union blob_control control = {.room = {0}};
	int status = 0, blob;
	struct iovec data = {&status, sizeof(status)};
	struct msghdr message = {
		.msg_iov = &data, .msg_iovlen = 1, .msg_control = &control, .msg_controllen = sizeof(control)};

	if (recvmsg(socket, &message, MSG_CMSG_CLOEXEC) != sizeof(status))
		return -EPROTO;
	if (status < 0)
		return status;
	if (message.msg_controllen < CMSG_LEN(sizeof(int)) || control.header.cmsg_type != SCM_RIGHTS)
		return -EPROTO;
	memcpy(&blob, CMSG_DATA(&control.header), sizeof(blob));
	return blob;
}
