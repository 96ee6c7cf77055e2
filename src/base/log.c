#include "base/log.h"

#include <stdarg.h>
#include <stdio.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/scope.h"
#include "base/text.h"

static enum log_level current_level = LOG_LEVEL_NORMAL;

void log_set_level(enum log_level level)
{
	current_level = level;
}

enum log_level log_get_level(void)
{
	return current_level;
}

/* One write(2) per line: processes of one sandbox share the descriptor. */
__attribute__((format(printf, 2, 0)))
static void log_line(const char *prefix, const char *format, va_list args)
{
	char message[1024], line[4200];
	auto_free char *escaped = NULL;
	int length;

	(void)vsnprintf(message, sizeof(message), format, args);
	escaped = text_escape(message);
	length = snprintf(line, sizeof(line), "%s%s\n", prefix, escaped);
	if (length > 0 && (size_t)length < sizeof(line))
		(void)fd_write_all(STDERR_FILENO, line, (size_t)length);
}

void log_notice(const char *format, ...)
{
	va_list args;

	if (current_level < LOG_LEVEL_NORMAL)
		return;
	va_start(args, format);
	log_line("sandbox: ", format, args);
	va_end(args);
}

void log_debug(const char *format, ...)
{
	va_list args;

	if (current_level < LOG_LEVEL_DEBUG)
		return;
	va_start(args, format);
	log_line("sandbox: debug: ", format, args);
	va_end(args);
}
