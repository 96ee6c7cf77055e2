#include "base/memory.h"

#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static void *memory_must(void *block)
{
	static const char message[] = "sandbox: out of memory\n";

	if (!block) {
		(void)!write(STDERR_FILENO, message, sizeof(message) - 1);
		_exit(125);
	}
	return block;
}

void *memory_zeroed(size_t count, size_t size)
{
	return memory_must(calloc(count ? count : 1, size));
}

void *memory_resize(void *block, size_t count, size_t size)
{
	return memory_must(reallocarray(block, count ? count : 1, size));
}

void *memory_room(void *block, size_t count, size_t size)
{
	enum { FIRST = 16 };
	bool is_full = count >= FIRST && (count & (count - 1)) == 0;

	return count == 0 || is_full ? memory_resize(block, is_full ? 2 * count : FIRST, size) : block;
}

char *memory_text(const char *text)
{
	return text ? memory_must(strdup(text)) : NULL;
}

char *memory_text_n(const char *text, size_t length)
{
	return memory_must(strndup(text, length));
}

char *memory_format(const char *format, ...)
{
	va_list args;
	char *text = NULL;

	va_start(args, format);
	if (vasprintf(&text, format, args) < 0)
		text = NULL;
	va_end(args);
	return memory_must(text);
}

void memory_append(char **text, const char *format, ...)
{
	va_list args;
	char *more = NULL, *longer;

	va_start(args, format);
	if (vasprintf(&more, format, args) < 0)
		more = NULL;
	va_end(args);
	(void)memory_must(more);
	longer = memory_format("%s%s", *text ? *text : "", more);
	free(more);
	free(*text);
	*text = longer;
}
