/*
 * The request as a file: texts, each with its NUL; counts and the kind of terminal as decimal numbers, before what they
 * count. An absent text is an empty one.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/file.h"
#include "base/memory.h"
#include "base/scope.h"
#include "base/text.h"
#include "runtime/session.h"

enum { REQUEST_SIZE_MAX = 8 << 20, REQUEST_STRINGS_MAX = 1 << 20 };

void session_request_finish(struct session_request *request)
{
	free(request->user);
	free(request->workdir);
	sandbox_strings_finish(&request->command);
	sandbox_strings_finish(&request->environment);
	*request = (struct session_request){0};
}

/* ---- writing ---- */

static int write_text(int fd, const char *text)
{
	return fd_write_all(fd, text ? text : "", (text ? strlen(text) : 0) + 1);
}

static int write_number(int fd, size_t number)
{
	char text[24];

	(void)snprintf(text, sizeof(text), "%zu", number);
	return write_text(fd, text);
}

static int write_strings(int fd, const struct sandbox_strings *list)
{
	int result = write_number(fd, list->count);

	for (size_t i = 0; i < list->count && result == 0; i++)
		result = write_text(fd, list->items[i]);
	return result;
}

int session_request_write(const struct session_request *request, struct sandbox_error *error)
{
	auto_close int fd = memfd_create("request", MFD_CLOEXEC);
	int result;

	if (fd < 0)
		return error_set(error, errno, "make a memfd");
	result = write_number(fd, request->terminal);
	if (result == 0)
		result = write_number(fd, request->shape.rows);
	if (result == 0)
		result = write_number(fd, request->shape.columns);
	if (result == 0)
		result = write_number(fd, request->shape.leaves_newlines);
	if (result == 0)
		result = write_text(fd, request->user);
	if (result == 0)
		result = write_text(fd, request->workdir);
	if (result == 0)
		result = write_strings(fd, &request->command);
	if (result == 0)
		result = write_strings(fd, &request->environment);
	if (result < 0 || lseek(fd, 0, SEEK_SET) < 0)
		return error_set(error, result < 0 ? -result : errno, "write down the command");
	return take_fd(&fd);
}

/* ---- reading ---- */

struct cursor {
	const char *next, *end; /* *end is a NUL */
};

static const char *read_text(struct cursor *cursor)
{
	const char *text = cursor->next;

	if (text >= cursor->end)
		return NULL;
	cursor->next += strlen(text) + 1;
	return text;
}

static bool read_number(struct cursor *cursor, uint64_t limit, uint64_t *out)
{
	const char *text = read_text(cursor);

	return text && text_parse_unsigned(text, limit, out);
}

static bool read_optional(struct cursor *cursor, char **out)
{
	const char *text = read_text(cursor);

	*out = text && *text ? memory_text(text) : NULL;
	return text != NULL;
}

static bool read_strings(struct cursor *cursor, struct sandbox_strings *out)
{
	uint64_t count = 0;

	if (!read_number(cursor, REQUEST_STRINGS_MAX, &count))
		return false;
	for (uint64_t i = 0; i < count; i++) {
		const char *text = read_text(cursor);

		if (!text)
			return false;
		sandbox_strings_add(out, text);
	}
	return true;
}

static bool read_shape(struct cursor *cursor, struct terminal_shape *out)
{
	uint64_t rows = 0, columns = 0, leaves_newlines = 0;

	if (!read_number(cursor, UINT16_MAX, &rows) || !read_number(cursor, UINT16_MAX, &columns) ||
	    !read_number(cursor, 1, &leaves_newlines))
		return false;
	*out = (struct terminal_shape){(unsigned short)rows, (unsigned short)columns, leaves_newlines};
	return true;
}

int session_request_read(int fd, struct session_request *out, struct sandbox_error *error)
{
	auto_free char *data = NULL;
	struct cursor cursor;
	uint64_t terminal = 0;
	size_t size;
	int result = file_read_fd(fd, "the request", REQUEST_SIZE_MAX, &data, &size, error);

	*out = (struct session_request){0};
	if (result < 0)
		return result;
	cursor = (struct cursor){data, data + size};
	if (!read_number(&cursor, TERMINAL_DETACHED, &terminal) || !read_shape(&cursor, &out->shape) ||
	    !read_optional(&cursor, &out->user) ||
	    !read_optional(&cursor, &out->workdir) || !read_strings(&cursor, &out->command) ||
	    !read_strings(&cursor, &out->environment) || !out->command.count)
		return error_set(error, EPROTO, "read the command");
	out->terminal = (enum terminal_kind)terminal;
	return 0;
}
