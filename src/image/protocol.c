#include "image/protocol.h"

#include <errno.h>
#include <string.h>
#include <sys/socket.h>

/* The whole packet or an error: a packet of another size than expected is never half of one. */
static ssize_t packet_receive(int socket, void *packet, size_t size)
{
	ssize_t got;

	do
		/* MSG_TRUNC: the true length of a packet that is too long. */
		got = recv(socket, packet, size, MSG_TRUNC);
	while (got < 0 && errno == EINTR);
	if (got < 0)
		return errno == ECONNRESET ? 0 : -errno;
	return got == 0 || (size_t)got == size ? got : -EPROTO;
}

static int packet_send(int socket, const void *packet, size_t size)
{
	ssize_t sent;

	do
		sent = send(socket, packet, size, MSG_NOSIGNAL);
	while (sent < 0 && errno == EINTR);
	return sent < 0 ? -errno : 0;
}

static bool digest_is_sound(const struct digest *digest)
{
	/* The end first: digest_is_valid reads a string. */
	return digest->hex[DIGEST_HEX_SIZE - 1] == '\0' && digest_is_valid(digest->hex);
}

static bool message_is_sound(struct import_message *message)
{
	switch (message->kind) {
	case IMPORT_PROGRESS:
		return true;
	case IMPORT_DONE:
		message->result.compression[sizeof(message->result.compression) - 1] = '\0';
		return digest_is_sound(&message->result.archive) && digest_is_sound(&message->result.diff);
	case IMPORT_FAILED:
		error_sanitize(&message->failure);
		return true;
	}
	return false;
}

int import_message_receive(int socket, struct import_message *out, struct sandbox_error *error)
{
	ssize_t got = packet_receive(socket, out, sizeof(*out));

	if (got == 0)
		return 0;
	if (got > 0 && !message_is_sound(out))
		got = -EPROTO;
	if (got < 0)
		return error_set(error, (int)-got, "receive from the importer");
	return 1;
}

int import_message_send(int socket, const struct import_message *message)
{
	return packet_send(socket, message, sizeof(*message));
}

int import_request_send(int socket, const struct import_request *request)
{
	return packet_send(socket, request, sizeof(*request));
}

int import_request_receive(int socket, struct import_request *out)
{
	ssize_t got = packet_receive(socket, out, sizeof(*out));

	return got > 0 ? 0 : got == 0 ? -EPIPE : (int)got;
}
