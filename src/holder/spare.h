/*
 * What the next sandbox will be made of: a user namespace inside of the held one, with its maps written, and a network
 * namespace of its own, the dearest of all, whose loopback interface is up. Nobody was in them but the process that made
 * them, and each is given away once.
 */
#ifndef HOLDER_SPARE_H
#define HOLDER_SPARE_H

#include <stdbool.h>

struct spare {
	int maker;  /* a pidfd, readable when it has ended; -1 when none is at work */
	bool ready; /* HOLDER_SPARE_USERNS and HOLDER_SPARE_NETWORK are there */
};

#define SPARE_INIT {.maker = -1}

/* Has a child begin to make one, where there is none. That it cannot costs the next run what it cost before. */
void spare_begin(struct spare *spare);

/* The child has ended. */
void spare_take(struct spare *spare);

/* Given away: from here on it is in no hand of ours. */
void spare_forget(struct spare *spare);

#endif
