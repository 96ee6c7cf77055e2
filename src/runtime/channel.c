#include "runtime/channel.h"

#include <errno.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

static const char *const step_names[CHANNEL_STEP_COUNT] = {
	[CHANNEL_IDS_MAPPED] = "ids-mapped",
	[CHANNEL_NAMESPACES] = "namespaces",
	[CHANNEL_VIEW] = "view",
	[CHANNEL_SETUP_DONE] = "setup-done",
	[CHANNEL_START] = "start",
	[CHANNEL_EXEC_OK] = "exec-ok",
	[CHANNEL_SIGNAL] = "signal",
	[CHANNEL_EXITED] = "exited",
	[CHANNEL_EXEC] = "exec",
	[CHANNEL_WAIT] = "wait",
	[CHANNEL_ATTACH] = "attach",
	[CHANNEL_PROCESSES] = "processes",
	[CHANNEL_DONE] = "done",
	[CHANNEL_ERROR] = "error",
	[CHANNEL_FILES] = "files",
};

union control_buffer {
	struct cmsghdr align;
	char bytes[CMSG_SPACE(sizeof(int) * CHANNEL_FDS_MAX)];
};

const char *channel_step_name(enum channel_step step)
{
	return (unsigned int)step < CHANNEL_STEP_COUNT ? step_names[step] : "unknown";
}

int channel_make(int ends[2], struct sandbox_error *error)
{
	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends) < 0)
		return error_set(error, errno, "make the channel to init");
	return 0;
}

static int send_message(int channel, const struct channel_message *message, const int *fds, size_t count)
{
	struct iovec payload = {.iov_base = (void *)message, .iov_len = sizeof(*message)};
	union control_buffer control = {0};
	struct msghdr header = {.msg_iov = &payload, .msg_iovlen = 1};

	if (count) {
		header.msg_control = control.bytes;
		header.msg_controllen = CMSG_SPACE(sizeof(int) * count);
		control.align.cmsg_level = SOL_SOCKET;
		control.align.cmsg_type = SCM_RIGHTS;
		control.align.cmsg_len = CMSG_LEN(sizeof(int) * count);
		memcpy(CMSG_DATA(&control.align), fds, sizeof(int) * count);
	}
	while (sendmsg(channel, &header, MSG_NOSIGNAL | MSG_DONTWAIT) < 0)
		if (errno != EINTR)
			return -errno;
	return 0;
}

int channel_send(int channel, enum channel_step step, int32_t value, uint32_t flags, const int *fds, size_t count,
	struct sandbox_error *error)
{
	struct channel_message message = {.step = step, .value = value, .flags = flags};
	int result = send_message(channel, &message, fds, count);

	if (result == -EAGAIN) {
		error_set(error, EAGAIN, "send %s", channel_step_name(step));
		(void)error_cause(error, SANDBOX_E_SANDBOX_STATE, "the other process does not listen: it is paused or stopped");
		return -EAGAIN;
	}
	return result < 0 ? error_set(error, -result, "send %s", channel_step_name(step)) : 0;
}

int channel_send_error(int channel, const struct sandbox_error *failure)
{
	struct channel_message message = {.step = CHANNEL_ERROR, .error = *failure};

	return send_message(channel, &message, NULL, 0);
}

static void take_descriptors(struct msghdr *header, struct channel_message *out)
{
	struct cmsghdr *control = CMSG_FIRSTHDR(header);

	out->fd_count = 0;
	if (!control || control->cmsg_level != SOL_SOCKET || control->cmsg_type != SCM_RIGHTS)
		return;
	out->fd_count = (uint32_t)((control->cmsg_len - CMSG_LEN(0)) / sizeof(int));
	memcpy(out->fds, CMSG_DATA(control), out->fd_count * sizeof(int));
}

void channel_drop(const struct channel_message *message)
{
	for (uint32_t i = 0; i < message->fd_count; i++)
		(void)close(message->fds[i]);
}

/* What was passed beyond our limit is lost, and what is left of it of no use. */
static int refuse_descriptors(const struct channel_message *message, struct sandbox_error *error)
{
	channel_drop(message);
	error_set(error, EMFILE, "receive %s", channel_step_name(message->step));
	(void)error_cause(error, SANDBOX_E_LIMIT_UNAVAILABLE, "who is to take it may not open so many files");
	return -EMFILE;
}

int channel_receive(int channel, struct channel_message *out, struct sandbox_error *error)
{
	struct iovec payload = {.iov_base = out, .iov_len = sizeof(*out)};
	union control_buffer control = {0};
	struct msghdr header = {.msg_iov = &payload, .msg_iovlen = 1, .msg_control = control.bytes,
		.msg_controllen = sizeof(control.bytes)};
	ssize_t size;

	/* ECONNRESET: the peer ended without reading our last word. It is said once, and before the peer's own. */
	do
		size = recvmsg(channel, &header, MSG_CMSG_CLOEXEC);
	while (size < 0 && (errno == EINTR || errno == ECONNRESET));
	if (size == 0)
		return 0;
	if (size < 0)
		return error_set(error, errno, "receive from the channel");
	take_descriptors(&header, out);
	if (size != sizeof(*out) || (unsigned int)out->step >= CHANNEL_STEP_COUNT) {
		channel_drop(out);
		return error_set(error, EPROTO, "receive from the channel: not a message");
	}
	if (header.msg_flags & MSG_CTRUNC)
		return refuse_descriptors(out, error);
	error_sanitize(&out->error);
	return 1;
}

int channel_expect(int channel, enum channel_step step, struct channel_message *out, struct sandbox_error *error)
{
	struct channel_message message;
	int result = channel_receive(channel, &message, error);

	if (result < 0)
		return result;
	if (result == 0) {
		error_set(error, ECHILD, "set up the sandbox: the other process ended before %s", channel_step_name(step));
		return error_child_died(error, "it was killed, or it crashed");
	}
	if (message.step == step && out) {
		*out = message;
		return 0;
	}
	channel_drop(&message);
	if (message.step == CHANNEL_ERROR) {
		if (error)
			*error = message.error;
		return message.error.code ? -message.error.code : -EINVAL;
	}
	if (message.step != step)
		return error_set(error, EPROTO, "set up the sandbox: expected %s, received %s", channel_step_name(step),
			channel_step_name(message.step));
	return 0;
}
