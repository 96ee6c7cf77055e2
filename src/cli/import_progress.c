#include "cli/import_progress.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>
#include <unistd.h>

#include "base/log.h"
#include "base/text.h"

static bool is_shown;

static void show(void *context, uint64_t entries, uint64_t bytes, uint64_t size)
{
	char read[24], whole[24];

	(void)context;
	if (log_get_level() == LOG_LEVEL_QUIET || !isatty(STDERR_FILENO))
		return;
	(void)fprintf(stderr, "\r\033[Kimporting: %llu entries, %s", (unsigned long long)entries,
		text_format_size(bytes, read, sizeof(read)));
	if (size)
		(void)fprintf(stderr, " of %s (%d %%)", text_format_size(size, whole, sizeof(whole)),
			(int)(100.0 * (double)bytes / (double)size));
	(void)fflush(stderr);
	is_shown = true;
}

/* Takes the line away. */
static void done(void *context)
{
	(void)context;
	if (is_shown)
		(void)fputs("\r\033[K", stderr);
	is_shown = false;
}

const struct sandbox_progress import_progress = {.show = show, .done = done};
