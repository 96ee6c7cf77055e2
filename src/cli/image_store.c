#include "cli/image_store.h"

#include <stdbool.h>
#include <stdio.h>
#include <unistd.h>

#include <sandbox/spec.h>

#include "base/log.h"
#include "base/scope.h"
#include "base/text.h"
#include "runtime/host.h"
#include "runtime/plan.h"

int image_store_map(int userns, struct idmap *out, struct sandbox_error *error)
{
	auto_finish(host_finish) struct host host = {0};
	int result = host_probe(userns != SANDBOX_USERNS_SINGLE, &host, error);

	return result < 0 ? result : plan_decide_idmap(userns, &host, out, error);
}

int image_store_removal_map(struct idmap *out, struct sandbox_error *error)
{
	if (image_store_map(SANDBOX_USERNS_MAP, out, NULL) == 0)
		return 0;
	return image_store_map(SANDBOX_USERNS_SINGLE, out, error);
}

static bool progress_shown;

void image_progress_show(void *unused, const struct import_counts *counts, uint64_t archive_size)
{
	char read[24], whole[24];

	(void)unused;
	if (log_get_level() == LOG_LEVEL_QUIET || !isatty(STDERR_FILENO))
		return;
	(void)fprintf(stderr, "\r\033[Kimporting: %llu entries, %s", (unsigned long long)counts->entries,
		text_format_size(counts->archive_bytes, read, sizeof(read)));
	if (archive_size)
		(void)fprintf(stderr, " of %s (%d %%)", text_format_size(archive_size, whole, sizeof(whole)),
			(int)(100.0 * (double)counts->archive_bytes / (double)archive_size));
	(void)fflush(stderr);
	progress_shown = true;
}

void image_progress_clear(void)
{
	if (progress_shown)
		(void)fputs("\r\033[K", stderr);
	progress_shown = false;
}
