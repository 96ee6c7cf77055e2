/* Between a run and the holder of its user namespace: src/holder/main.c tells what that is for. */
#ifndef RUNTIME_HOLDER_PROTOCOL_H
#define RUNTIME_HOLDER_PROTOCOL_H

#include <stdint.h>

/*
 * What the program is started with: descriptors of these numbers, and two arguments: the name of its socket, and the
 * milliseconds without any request after which it ends.
 */
enum {
	HOLDER_USERNS = 3,    /* the user namespace, which no process has to be in */
	HOLDER_SOCKET = 4,    /* SOCK_SEQPACKET, listening; from here on nobody else listens */
	HOLDER_DIRECTORY = 5, /* where the socket lies; who binds or removes one there has the directory locked */
	/* Its own affair: */
	HOLDER_SPARE_USERNS = 6,
	HOLDER_SPARE_NETWORK = 7,
};

/*
 * Asks for the user namespace. The answer is one byte, and with SCM_RIGHTS its descriptor, or three: also those of a
 * user namespace inside of it, which has the same ids, and of a network namespace that belongs to that one. These two are
 * given to nobody else, and nobody has used them.
 */
enum { HOLDER_ANSWER_MAX = 3 };

struct holder_request {
	uint64_t idle; /* from now on in the place of the second argument */
};

#endif
