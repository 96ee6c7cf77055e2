/* Who wants to know how far a long piece of work has come. Functions may be NULL. */
#ifndef SANDBOX_PROGRESS_H
#define SANDBOX_PROGRESS_H

#include <stdint.h>

struct sandbox_progress {
	/* Told when a step begins: what is done, as in "importing", "unpacking layer 2 of 5". Without it: "importing". */
	void (*begin)(void *context, const char *doing);
	/* Told now and then: entries done, bytes read, and how many there are to read, 0 when that is not known. */
	void (*show)(void *context, uint64_t entries, uint64_t bytes, uint64_t size);
	/* Told before waiting for another process, with no end in sight: for what, as in "another import of …". */
	void (*wait)(void *context, const char *what);
	/* Told once when the work has ended, however: before anything else is printed. */
	void (*done)(void *context);
	void *context;
};

#endif
