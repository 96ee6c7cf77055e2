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
};

/* Asks for the user namespace. The answer is one byte, and the descriptor with SCM_RIGHTS. */
struct holder_request {
	uint64_t idle; /* from now on in the place of the second argument */
};

#endif
