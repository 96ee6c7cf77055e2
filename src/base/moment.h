/* Points in time: as the log and the events write them, and as users name them. */
#ifndef BASE_MOMENT_H
#define BASE_MOMENT_H

#include <stdbool.h>
#include <stdint.h>

enum { MOMENT_SIZE = 40 };

/* Nanoseconds since the epoch. */
int64_t moment_now(void);

/* "2026-01-31T12:00:00.123456789Z": of fixed length, so that texts sort as times do. */
void moment_format(int64_t moment, char out[MOMENT_SIZE]);

/*
 * "2026-01-31", "2026-01-31T12:00", "2026-01-31T12:00:00.5Z", "...+02:00" (without a zone: the caller's), seconds since the
 * epoch ("1767225600.5"), or a duration that has passed by `now` ("10m"). False and *out untouched for anything else.
 */
bool moment_parse(const char *text, int64_t now, int64_t *out);

#endif
