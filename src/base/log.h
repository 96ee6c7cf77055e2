/*
 * What the program says while it works. `log_debug` tells the story in order (--debug); a notice is
 * one line that the user should know although nothing failed (-q silences it). Both go to standard
 * error, prefixed "sandbox: ", with control bytes escaped.
 */
#ifndef BASE_LOG_H
#define BASE_LOG_H

#include <stdbool.h>

enum log_level {
	LOG_LEVEL_QUIET,
	LOG_LEVEL_NORMAL,
	LOG_LEVEL_DEBUG,
};

void log_set_level(enum log_level level);
enum log_level log_get_level(void);
void log_notice(const char *format, ...) __attribute__((format(printf, 1, 2)));
void log_debug(const char *format, ...) __attribute__((format(printf, 1, 2)));

#endif
