/*
 * Holding back the signals that end a program (HUP, INT, QUIT, TERM) while something half-made would have to be
 * taken back: the descriptor tells of one, and whoever waits polls it too. It is never read from: when the hold
 * ends, the signal does what it would have done at once. Signals that the caller blocks or ignores stay so.
 */
#ifndef BASE_INTERRUPT_H
#define BASE_INTERRUPT_H

#include <signal.h>
#include <stdbool.h>

#include "base/error.h"

struct interrupt {
	int fd; /* readable (POLLIN) once a signal has come; -1 while nothing is held */
	sigset_t previous;
};

#define INTERRUPT_INIT {.fd = -1}

/* 0 or -errno. */
int interrupt_hold(struct interrupt *out, struct sandbox_error *error);

/* May not return. Idempotent, and for auto_finish. */
void interrupt_release(struct interrupt *interrupt);

/* 0, or -EINTR with an error when a signal has come: for work that does not wait. */
int interrupt_check(const struct interrupt *interrupt, struct sandbox_error *error);

/* Waits until `fd` is readable. 0, or -EINTR with an error when a signal came first, or -errno. */
int interrupt_wait(const struct interrupt *interrupt, int fd, struct sandbox_error *error);

#endif
