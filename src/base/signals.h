/* Signals by their names. */
#ifndef BASE_SIGNALS_H
#define BASE_SIGNALS_H

/* The number of "TERM", "SIGTERM", "term", "RTMIN+3" or "15"; -1 for anything else. */
int signal_parse(const char *text);

#endif
