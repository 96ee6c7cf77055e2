/* Who wants to know how far an import has come. */
#ifndef SANDBOX_PROGRESS_H
#define SANDBOX_PROGRESS_H

#include <stdint.h>

struct sandbox_progress {
	/* Told now and then: entries unpacked, bytes read of the archive, and its size, 0 when that is not known. */
	void (*show)(void *context, uint64_t entries, uint64_t bytes, uint64_t size);
	/* Told once when the import has ended, however: before anything else is printed. */
	void (*done)(void *context);
	void *context;
};

#endif
