#include "cli/import_progress.h"

#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <time.h>
#include <unistd.h>

#include "base/log.h"
#include "base/scope.h"
#include "base/text.h"

static const double SHOWN_AFTER = 0.5, PLAIN_EVERY = 3; /* seconds */

enum {
	LINE_SIZE = 512,
	COLUMNS_DEFAULT = 80,
	BAR_MIN = 6,
	BAR_MAX = 40,
};

/* There is one standard error. */
static struct {
	char doing[LINE_SIZE];
	double began, last_line; /* of the step; 0 before the first */
	double first;            /* the first step of all */
	bool is_drawn;
} shown;

static double now(void)
{
	struct timespec time;

	(void)clock_gettime(CLOCK_MONOTONIC, &time);
	return (double)time.tv_sec + (double)time.tv_nsec / 1e9;
}

static void append(char *out, size_t size, const char *text)
{
	size_t length = strlen(out);

	(void)snprintf(out + length, size - length, "%s", text);
}

static void append_bar(const struct progress_state *state, size_t width, char *out, size_t size)
{
	char bar[BAR_MAX + 4];
	size_t full = (size_t)((double)width * (double)state->bytes / (double)state->size);

	bar[0] = '[';
	for (size_t i = 0; i < width; i++)
		bar[1 + i] = "=> "[i < full ? 0 : i == full ? 1 : 2];
	(void)snprintf(bar + 1 + width, sizeof(bar) - 1 - width, "] ");
	append(out, size, bar);
}

/* What can be left away when it does not fit, the most useful first. */
static size_t list_details(const struct progress_state *state, char out[4][64])
{
	double rate = state->seconds > 0 ? (double)state->bytes / state->seconds : 0;
	char read[24], whole[24];
	size_t count = 0;

	if (state->size)
		(void)snprintf(out[count++], 64, "%s of %s", text_format_size(state->bytes, read, sizeof(read)),
			text_format_size(state->size, whole, sizeof(whole)));
	else
		(void)snprintf(out[count++], 64, "%s", text_format_size(state->bytes, read, sizeof(read)));
	if (state->size && rate > 0) {
		uint64_t left = (uint64_t)((double)(state->size - state->bytes) / rate + 0.5);

		(void)snprintf(out[count++], 64, "%llu:%02llu left", (unsigned long long)left / 60,
			(unsigned long long)left % 60);
	}
	if (state->entries)
		(void)snprintf(out[count++], 64, state->entries == 1 ? "%llu entry" : "%llu entries",
			(unsigned long long)state->entries);
	if (rate > 0)
		(void)snprintf(out[count++], 64, "%s/s", text_format_size((uint64_t)rate, read, sizeof(read)));
	return count;
}

const char *progress_format(const struct progress_state *state, size_t columns, char *out, size_t size)
{
	struct progress_state bounded = *state;
	char details[4][64], line[LINE_SIZE] = "", percent[16] = "";
	size_t room = columns && columns < LINE_SIZE ? columns : LINE_SIZE - 1;
	size_t count, start;

	/* What grew while it was read. */
	if (bounded.size && bounded.bytes > bounded.size)
		bounded.bytes = bounded.size;
	count = list_details(&bounded, details);
	if (bounded.size)
		(void)snprintf(percent, sizeof(percent), columns ? "%3.0f %% " : "%.0f %%, ",
			100 * (double)bounded.bytes / (double)bounded.size);
	(void)snprintf(out, size, "%.*s: %s", (int)(room / 2), bounded.doing, percent);
	start = strlen(out);
	for (size_t i = 0; i < count && start + strlen(line) + strlen(details[i]) + 2 <= room; i++) {
		append(line, sizeof(line), i ? ", " : "");
		append(line, sizeof(line), details[i]);
	}
	/* On a very narrow terminal what was done is too long already. */
	room = start + strlen(line) < room ? room - start - strlen(line) : 0;
	if (columns && bounded.size && room >= BAR_MIN + 3)
		append_bar(&bounded, room - 3 < BAR_MAX ? room - 3 : BAR_MAX, out, size);
	append(out, size, line);
	return out;
}

static bool is_terminal(void)
{
	const char *term = getenv("TERM");

	return isatty(STDERR_FILENO) && (!term || strcmp(term, "dumb") != 0);
}

static size_t terminal_columns(void)
{
	struct winsize size;

	/* One less: a line that fills the last column wraps on some terminals. */
	return ioctl(STDERR_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_col > 1 ? size.ws_col - 1u : COLUMNS_DEFAULT - 1u;
}

/* The archive's name may say anything. */
static void draw(const char *line)
{
	auto_free char *safe = text_escape(line);

	(void)fprintf(stderr, "\r\033[K%s", safe);
	(void)fflush(stderr);
	shown.is_drawn = true;
}

/* Takes the line away. */
static void done(void *context)
{
	(void)context;
	if (shown.is_drawn)
		(void)fputs("\r\033[K", stderr);
	shown.is_drawn = false;
	shown.began = 0;
}

static void begin(void *context, const char *doing)
{
	(void)context;
	(void)snprintf(shown.doing, sizeof(shown.doing), "%s", doing);
	shown.began = shown.last_line = now();
	if (shown.first == 0)
		shown.first = shown.began;
	/* What was slow so far is expected to go on so, perhaps without a word in between. */
	if (log_get_level() != LOG_LEVEL_QUIET && shown.began - shown.first > SHOWN_AFTER && is_terminal())
		draw(shown.doing);
}

static void show(void *context, uint64_t entries, uint64_t bytes, uint64_t size)
{
	struct progress_state state = {shown.doing, entries, bytes, size, 0};
	char line[LINE_SIZE + 32];
	double time = now();

	if (shown.began == 0)
		begin(context, "importing");
	state.seconds = time - shown.began;
	if (log_get_level() == LOG_LEVEL_QUIET || time - shown.first < SHOWN_AFTER)
		return;
	if (is_terminal()) {
		draw(progress_format(&state, terminal_columns(), line, sizeof(line)));
	} else if (time - shown.last_line >= PLAIN_EVERY) {
		log_notice("%s", progress_format(&state, 0, line, sizeof(line)));
		shown.last_line = time;
	}
}

static void wait_for(void *context, const char *what)
{
	char line[LINE_SIZE + 32];

	(void)context;
	if (log_get_level() == LOG_LEVEL_QUIET)
		return;
	(void)snprintf(line, sizeof(line), "waiting for %s", what);
	if (is_terminal())
		draw(line);
	else
		log_notice("%s", line);
}

const struct sandbox_progress import_progress = {.begin = begin, .show = show, .wait = wait_for, .done = done};
