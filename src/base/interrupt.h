/*
 * Holding back the signals that end a program (HUP, INT, QUIT, TERM) while something half-made would have to be
 * taken back: the descriptor tells of one, and whoever waits polls it too. It is never read from: when the hold
 * ends, the signal does what it would have done at once. Signals that the caller blocks or ignores stay so.
 */
#ifndef BASE_INTERRUPT_H
#define BASE_INTERRUPT_H

#include <signal.h>
#include <stdbool.h>
#include <stdint.h>

#include "base/error.h"

struct interrupt {
	int fd; /* readable (POLLIN) once a signal has come; -1 while nothing is held */
	int timer; /* readable once the time is over; -1: there is no limit */
	sigset_t previous;
};

#define INTERRUPT_INIT {.fd = -1, .timer = -1}

/* 0 or -errno. */
int interrupt_hold(struct interrupt *out, struct sandbox_error *error);

/* May not return. Idempotent, and for auto_finish. */
void interrupt_release(struct interrupt *interrupt);

/* 0, or -EINTR with an error when a signal has come: for work that does not wait. */
int interrupt_check(const struct interrupt *interrupt, struct sandbox_error *error);

/* From now on nobody waits for longer than that; 0 milliseconds: for as long as it takes. 0 or -errno. */
int interrupt_limit(struct interrupt *interrupt, uint64_t milliseconds, struct sandbox_error *error);
bool interrupt_is_late(const struct interrupt *interrupt);

/* Waits until `fd` is readable. 0, or -EINTR with an error when a signal came first, -ETIMEDOUT at the limit, or -errno. */
int interrupt_wait(const struct interrupt *interrupt, int fd, struct sandbox_error *error);

/* The same where a signal is no end, but somebody else's. */
int interrupt_wait_limit(const struct interrupt *interrupt, int fd, struct sandbox_error *error);

#endif
