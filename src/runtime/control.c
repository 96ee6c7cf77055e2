#include "runtime/control.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/file.h"
#include "base/log.h"
#include "base/memory.h"
#include "base/scope.h"
#include "base/signals.h"
#include "base/test_switch.h"

/* How many may wait at a time, but for those who are to end it. */
enum { WAITING_MAX = 256, BACKLOG = 64 };

static const char directory_name[] = "control";

/* By descriptor: the directory's own path may be longer than a socket's name. */
static struct sockaddr_un address_of(int directory, const char *name)
{
	struct sockaddr_un address = {.sun_family = AF_UNIX};

	(void)snprintf(address.sun_path, sizeof(address.sun_path), "/proc/self/fd/%d/%s", directory, name);
	return address;
}

char *control_path(const char *runtime, const char *id)
{
	return memory_format("%s/%s/%s", runtime, directory_name, id);
}

static int open_reserve(void)
{
	return open("/", O_PATH | O_DIRECTORY | O_CLOEXEC);
}

static bool is_own_peer(int socket)
{
	struct ucred peer;
	socklen_t size = sizeof(peer);

	return getsockopt(socket, SOL_SOCKET, SO_PEERCRED, &peer, &size) == 0 && peer.uid == geteuid();
}

/* RUNTIME/control. Where there is no XDG_RUNTIME_DIR it lies in /tmp, where anybody could have made it before us. */
static int open_directory(const char *runtime, struct sandbox_error *error)
{
	auto_close int parent = -1;
	int result = file_make_directories(runtime, 0700, error);

	if (result < 0) {
		error_cause(error, SANDBOX_E_HOME_UNUSABLE, "the sandbox's socket is to be there");
		return error_fix(error, "name a directory that you can make or write with --runroot DIR");
	}
	parent = file_open_own_directory(AT_FDCWD, runtime, "--runroot", error);
	if (parent < 0)
		return parent;
	if (mkdirat(parent, directory_name, 0700) < 0 && errno != EEXIST)
		return error_set(error, errno, "make %s/%s", runtime, directory_name);
	return file_open_own_directory(parent, directory_name, "--runroot", error);
}

int control_open(struct control *control, const char *runtime, const char *id, struct sandbox_error *error)
{
	struct sockaddr_un address;

	control->directory = open_directory(runtime, error);
	if (control->directory < 0)
		return control->directory;
	(void)snprintf(control->name, sizeof(control->name), "%s", id);
	address = address_of(control->directory, id);
	control->reserve = open_reserve();
	control->listener = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (control->listener < 0)
		return error_set(error, errno, "make a socket");
	if (bind(control->listener, (struct sockaddr *)&address, sizeof(address)) < 0 ||
	    listen(control->listener, BACKLOG) < 0)
		return error_set(error, errno, "make the sandbox's socket");
	return 0;
}

void control_forget(struct control *control)
{
	for (size_t i = 0; i < control->count; i++)
		(void)close(control->clients[i].socket);
	free(take_ptr(control->clients));
	control->count = 0;
	fd_close(&control->listener);
	fd_close(&control->reserve);
	fd_close(&control->directory);
}

void control_withdraw(struct control *control)
{
	auto_close int directory = take_fd(&control->directory);

	if (directory >= 0)
		(void)unlinkat(directory, control->name, 0);
}

void control_finish(struct control *control)
{
	control_withdraw(control);
	control_forget(control);
}

size_t control_poll_count(const struct control *control)
{
	return 1 + control->count;
}

void control_poll(const struct control *control, struct pollfd *events)
{
	events[0] = (struct pollfd){.fd = control->listener, .events = POLLIN};
	for (size_t i = 0; i < control->count; i++)
		events[1 + i] = (struct pollfd){.fd = control->clients[i].socket, .events = POLLIN};
}

/* ---- serving ---- */

/* Init is ending, or has ended and is yet to be reaped. */
static void say_ending(int client)
{
	struct sandbox_error error = {0};

	error_set(&error, ESRCH, "reach the command");
	error_cause(&error, SANDBOX_E_SANDBOX_STATE, "the sandbox is ending");
	error_fix(&error, "see `sandbox ps -a`");
	(void)channel_send_error(client, &error);
}

static void pass_on(const struct channel_message *request, int client, int channel)
{
	struct sandbox_error error = {0};

	int result = channel_send(channel, request->step, request->value, request->flags, request->fds, request->fd_count,
		&error);

	test_point("control.passed-on");
	if (result == -EPIPE || result == -ECONNRESET)
		say_ending(client);
	else if (result < 0)
		(void)channel_send_error(client, &error);
	else
		(void)channel_send(client, CHANNEL_DONE, 0, 0, NULL, 0, NULL);
}

/* The descriptor itself: who writes there, and how fast, is no affair of ours. */
static void lend(int client, int fd)
{
	(void)channel_send(client, CHANNEL_DONE, 0, 0, &fd, fd >= 0, NULL);
}

static size_t count_waiting(const struct control *control)
{
	size_t count = 0;

	for (size_t i = 0; i < control->count; i++)
		count += control->clients[i].waits;
	return count;
}

/* Whoever only wants to know must not keep out those who want to end it. */
static bool may_wait(const struct control *control, int client, enum control_wait why)
{
	struct sandbox_error error = {0};

	if (why == CONTROL_WAIT_TO_END || count_waiting(control) < WAITING_MAX)
		return true;
	error_set(&error, EUSERS, "wait for the sandbox");
	error_cause(&error, SANDBOX_E_LIMIT_UNAVAILABLE, "%d processes wait for its end already", WAITING_MAX);
	error_fix(&error, "let fewer wait at a time, or look at `sandbox ps -a`");
	(void)channel_send_error(client, &error);
	return false;
}

/* False when this client has nothing more to say. */
static bool serve_client(const struct control *control, struct control_client *client, int channel, uint64_t *signals)
{
	struct sandbox_error error = {0};
	struct channel_message request;
	int result = channel_receive(client->socket, &request, &error);

	if (result < 0)
		(void)channel_send_error(client->socket, &error);
	if (result <= 0)
		return false;
	log_debug("asked for %s", channel_step_name(request.step));
	if (request.step == CHANNEL_SIGNAL || request.step == CHANNEL_EXEC || request.step == CHANNEL_FILES)
		pass_on(&request, client->socket, channel);
	if (request.step == CHANNEL_ATTACH)
		lend(client->socket, control->input);
	if (request.step == CHANNEL_PROCESSES)
		lend(client->socket, control->init);
	if (request.step == CHANNEL_SIGNAL)
		*signals |= signal_bit(request.value);
	client->waits = request.step == CHANNEL_WAIT && may_wait(control, client->socket, (enum control_wait)request.value);
	channel_drop(&request);
	return client->waits;
}

/* One more than we may have open: the reserve lets us tell him so. Left in the queue, he would wake us for ever. */
static void turn_away(struct control *control)
{
	struct sandbox_error error = {0};
	int socket;

	fd_close(&control->reserve);
	/* cppcheck-suppress nullPointer */
	socket = accept4(control->listener, NULL, NULL, SOCK_CLOEXEC);
	error_set(&error, EMFILE, "take another connection");
	error_cause(&error, SANDBOX_E_LIMIT_UNAVAILABLE, "the sandbox's supervisor may not open so many files");
	error_fix(&error, "start the sandbox with a higher limit: ulimit -n");
	if (socket >= 0) {
		(void)channel_send_error(socket, &error);
		(void)close(socket);
	}
	control->reserve = open_reserve();
}

static void accept_client(struct control *control)
{
	/* cppcheck-suppress nullPointer */
	auto_close int socket = accept4(control->listener, NULL, NULL, SOCK_CLOEXEC);

	if (socket < 0 && (errno == EMFILE || errno == ENFILE))
		turn_away(control);
	if (socket < 0 || !is_own_peer(socket))
		return;
	control->clients = memory_resize(control->clients, control->count + 1, sizeof(*control->clients));
	control->clients[control->count++] = (struct control_client){.socket = take_fd(&socket)};
}

uint64_t control_serve(struct control *control, const struct pollfd *events, int channel)
{
	size_t kept = 0, polled = control->count;
	uint64_t signals = 0;

	for (size_t i = 0; i < polled; i++) {
		struct control_client client = control->clients[i];

		if (!events[1 + i].revents || serve_client(control, &client, channel, &signals))
			control->clients[kept++] = client;
		else
			(void)close(client.socket);
	}
	control->count = kept;
	if (events[0].revents)
		accept_client(control);
	return signals;
}

void control_tell_end(const struct control *control, const struct sandbox_result *result)
{
	for (size_t i = 0; i < control->count; i++)
		if (control->clients[i].waits)
			(void)channel_send(control->clients[i].socket, CHANNEL_EXITED, result->number, result->cause,
				NULL, 0, NULL);
}

/* ---- the other side ---- */

int control_has_ended(struct sandbox_error *error)
{
	error_set(error, ESRCH, "reach the sandbox");
	error_cause(error, SANDBOX_E_SANDBOX_STATE, "the sandbox does not run");
	return error_fix(error, "`sandbox ps -a` shows those that have ended; `sandbox start` starts a kept one again");
}

int control_answer(int connection, struct channel_message *out, struct sandbox_error *error)
{
	int result = channel_receive(connection, out, error);

	if (result < 0)
		return result;
	/* The supervisor does not listen any more while it clears away. */
	if (result == 0)
		return control_has_ended(error);
	if (out->step != CHANNEL_ERROR)
		return 0;
	if (error)
		*error = out->error;
	return out->error.code ? -out->error.code : -EPROTO;
}

int control_ask(int connection, enum channel_step step, int32_t value, const int *fds, size_t count,
	struct sandbox_error *error)
{
	int result = channel_send(connection, step, value, 0, fds, count, error);
	struct channel_message word;

	if (result != -EPIPE && result != -ECONNRESET)
		return result;
	error_clear(error);
	result = control_answer(connection, &word, error);
	return result < 0 ? result : control_has_ended(error);
}

int control_connect(const char *path, struct sandbox_error *error)
{
	const char *slash = strrchr(path, '/');
	auto_free char *parent = memory_text_n(path, slash ? (size_t)(slash - path) : 0);
	auto_close int directory = open(parent, O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC), connection = -1;
	struct sockaddr_un address = address_of(directory, slash ? slash + 1 : path);

	if (directory < 0)
		return control_has_ended(error);
	connection = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0);
	if (connection < 0)
		return error_set(error, errno, "make a socket");
	if (connect(connection, (struct sockaddr *)&address, sizeof(address)) < 0)
		return errno == ECONNREFUSED || errno == ENOENT ? control_has_ended(error)
			: error_set(error, errno, "reach the supervisor at %s", path);
	if (!is_own_peer(connection))
		return error_set(error, EPERM, "reach the supervisor at %s", path);
	return take_fd(&connection);
}
