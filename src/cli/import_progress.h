/*
 * Progress of what takes longer than half a second, on standard error. On a terminal one line with a bar, which is drawn
 * again and again and goes away at the end; elsewhere a plain line every few seconds. Nothing when the user asked for quiet.
 */
#ifndef CLI_IMPORT_PROGRESS_H
#define CLI_IMPORT_PROGRESS_H

#include <sandbox/progress.h>
#include <stddef.h>

extern const struct sandbox_progress import_progress;

/* How far a step has come. */
struct progress_state {
	const char *doing;
	uint64_t entries, bytes, size; /* as for sandbox_progress.show */
	double seconds;                /* since the step began */
};

/*
 * The line for a terminal that is `columns` wide, or for a log when that is 0: what is done, and as much as fits of a bar, of
 * the bytes, the entries, the rate, and the time that is left if it goes on so. Returns `out`.
 */
const char *progress_format(const struct progress_state *state, size_t columns, char *out, size_t size);

#endif
