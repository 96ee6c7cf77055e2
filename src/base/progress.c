#include "base/progress.h"

#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>

enum { SENTENCE_SIZE = 512 };

void progress_begin(const struct sandbox_progress *progress, const char *format, ...)
{
	char text[SENTENCE_SIZE];
	va_list arguments;

	if (!progress || !progress->begin)
		return;
	va_start(arguments, format);
	(void)vsnprintf(text, sizeof(text), format, arguments);
	va_end(arguments);
	progress->begin(progress->context, text);
}

void progress_show(const struct sandbox_progress *progress, uint64_t entries, uint64_t bytes, uint64_t size)
{
	if (progress && progress->show)
		progress->show(progress->context, entries, bytes, size);
}

void progress_wait(const struct sandbox_progress *progress, const char *format, ...)
{
	char text[SENTENCE_SIZE];
	va_list arguments;

	if (!progress || !progress->wait)
		return;
	va_start(arguments, format);
	(void)vsnprintf(text, sizeof(text), format, arguments);
	va_end(arguments);
	progress->wait(progress->context, text);
}

void progress_done(const struct sandbox_progress *progress)
{
	if (progress && progress->done)
		progress->done(progress->context);
}
