/* Signals by their names. */
#ifndef BASE_SIGNALS_H
#define BASE_SIGNALS_H

#include <stdint.h>

/* Its bit in a set of signals; none for what is no signal. */
static inline uint64_t signal_bit(int number)
{
	return number > 0 && number <= 64 ? UINT64_C(1) << (number - 1) : 0;
}

/* The number of "TERM", "SIGTERM", "term", "RTMIN+3" or "15"; -1 for anything else. */
int signal_parse(const char *text);

#endif
