#include "process/output_relay.h"

#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/scope.h"
#include "base/test_switch.h"

enum { BUFFER_SIZE = 64 << 10 };

static int descriptor(size_t index)
{
	return STDOUT_FILENO + (int)index;
}

static bool is_file(int fd, struct stat *status)
{
	return fstat(fd, status) == 0 && S_ISREG(status->st_mode) && !test_defence_removed("output");
}

static int make_pipe(int *out_reader, int *out_writer, struct sandbox_error *error)
{
	int result = fd_pipe(out_reader, out_writer, error);

	if (result < 0)
		return result;
	/* Also those who are not the caller inside may open /dev/stdout. */
	if (fchmod(*out_writer, 0622) < 0 || fcntl(*out_reader, F_SETFL, O_NONBLOCK) < 0)
		return error_set(error, errno, "set up a pipe");
	return 0;
}

/* Puts `writer` in the place of a standard descriptor, and keeps what was there. */
static int replace(struct output_relay *relay, size_t index, int writer, struct sandbox_error *error)
{
	relay->files[index] = fcntl(descriptor(index), F_DUPFD_CLOEXEC, 3);
	if (relay->files[index] < 0 || dup2(writer, descriptor(index)) < 0)
		return error_set(error, errno, "put a pipe in the place of descriptor %d", descriptor(index));
	return 0;
}

int output_relay_lend(struct output_relay *relay, struct sandbox_error *error)
{
	bool shared = false;
	struct stat files[OUTPUT_RELAY_COUNT];

	for (size_t i = 0; i < OUTPUT_RELAY_COUNT; i++) {
		auto_close int writer = -1;
		int result = 0;

		if (!is_file(descriptor(i), &files[i]))
			continue;
		shared = i > 0 && relay->readers[0] >= 0 && files[i].st_dev == files[0].st_dev &&
			files[i].st_ino == files[0].st_ino;
		if (!shared)
			result = make_pipe(&relay->readers[i], &writer, error);
		if (result == 0)
			result = replace(relay, i, shared ? descriptor(0) : writer, error);
		if (result < 0)
			return result;
	}
	return 0;
}

void output_relay_restore(struct output_relay *relay)
{
	for (size_t i = 0; i < OUTPUT_RELAY_COUNT; i++) {
		auto_close int file = take_fd(&relay->files[i]);

		if (file >= 0)
			(void)dup2(file, descriptor(i));
	}
}

static void close_readers(struct output_relay *relay)
{
	for (size_t i = 0; i < OUTPUT_RELAY_COUNT; i++)
		fd_close(&relay->readers[i]);
}

void output_relay_leave(struct output_relay *relay)
{
	close_readers(relay);
	for (size_t i = 0; i < OUTPUT_RELAY_COUNT; i++)
		fd_close(&relay->files[i]);
}

void output_relay_poll(const struct output_relay *relay, struct pollfd events[OUTPUT_RELAY_COUNT])
{
	for (size_t i = 0; i < OUTPUT_RELAY_COUNT; i++)
		events[i] = (struct pollfd){.fd = relay->readers[i], .events = POLLIN};
}

/* False when there is nothing more to read now, or ever. */
static bool copy_some(struct output_relay *relay, size_t index)
{
	char data[BUFFER_SIZE];
	ssize_t size = read(relay->readers[index], data, sizeof(data));
	int result;

	if (size < 0)
		return errno == EINTR;
	result = fd_write_all(descriptor(index), data, (size_t)size);
	if (result < 0 && !relay->code) {
		relay->code = -result;
		relay->failed = descriptor(index);
	}
	if (size > 0 && result == 0)
		return true;
	(void)close(take_fd(&relay->readers[index]));
	return false;
}

void output_relay_copy(struct output_relay *relay, const struct pollfd events[OUTPUT_RELAY_COUNT])
{
	for (size_t i = 0; i < OUTPUT_RELAY_COUNT; i++)
		if (relay->readers[i] >= 0 && events[i].revents)
			(void)copy_some(relay, i);
}

int output_relay_end(struct output_relay *relay, struct sandbox_error *error)
{
	/* No more than there is now: a process that goes on writing must not hold us for ever. */
	for (size_t i = 0; i < OUTPUT_RELAY_COUNT; i++)
		for (int left = fd_readable(relay->readers[i]); left > 0 && relay->readers[i] >= 0; left -= BUFFER_SIZE)
			if (!copy_some(relay, i))
				break;
	if (!relay->code)
		return 0;
	return error_set(error, relay->code, "write what the command wrote to standard %s",
		relay->failed == STDOUT_FILENO ? "output" : "error");
}

void output_relay_close(struct output_relay *relay)
{
	output_relay_restore(relay);
	/* What a child said that failed before it was ours to listen. */
	(void)output_relay_end(relay, NULL);
	close_readers(relay);
}
