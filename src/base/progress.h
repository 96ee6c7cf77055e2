/* Telling a struct sandbox_progress, which may be NULL, as any of its functions may be. */
#ifndef BASE_PROGRESS_H
#define BASE_PROGRESS_H

#include <sandbox/progress.h>

void progress_begin(const struct sandbox_progress *progress, const char *format, ...)
	__attribute__((format(printf, 2, 3)));
void progress_show(const struct sandbox_progress *progress, uint64_t entries, uint64_t bytes, uint64_t size);
void progress_wait(const struct sandbox_progress *progress, const char *format, ...)
	__attribute__((format(printf, 2, 3)));
void progress_done(const struct sandbox_progress *progress);

#endif
