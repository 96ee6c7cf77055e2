/*
 * Filling a struct sandbox_error. Who calls the system writes the sentence and names the object;
 * who owns the purpose may wrap it once. Every function accepts a NULL error and then only
 * computes its return value.
 */
#ifndef BASE_ERROR_H
#define BASE_ERROR_H

#include <sandbox/error.h>

/*
 * Sets the sentence, followed by ": " and strerror(code) when code is not 0. Clears id, cause and fix;
 * ENOSYS, EMFILE, ENOMEM and the EFBIG of a resource limit bring their own.
 * Returns -code, or -EINVAL when code is 0, so that `return error_set(…)` always reports a failure.
 */
int error_set(struct sandbox_error *error, int code, const char *format, ...)
	__attribute__((format(printf, 3, 4)));

/* Puts "prefix: " before the sentence. Returns the same negative number as the error_set before it. */
int error_wrap(struct sandbox_error *error, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* Names the failure and says why it happened. Returns like error_wrap. */
int error_cause(struct sandbox_error *error, enum sandbox_error_id id, const char *format, ...)
	__attribute__((format(printf, 3, 4)));

/* Says what the user can do about it. Returns like error_wrap. */
int error_fix(struct sandbox_error *error, const char *format, ...) __attribute__((format(printf, 2, 3)));

/*
 * Where the sentence's number says that there was no room, and nobody has said more: E_NO_SPACE, because `place` ("the file
 * system of ...") is full, and `fix`. Returns like error_wrap.
 */
int error_explain_full(struct sandbox_error *error, const char *place, const char *fix);

/*
 * The cause of a process that had to answer and has ended instead: E_CHILD_DIED, and where to look for more. Returns like
 * error_wrap.
 */
int error_child_died(struct sandbox_error *error, const char *cause);

/* Back to "no error". */
void error_clear(struct sandbox_error *error);

/*
 * Makes an error that came from another process safe to read: every string is terminated and the id
 * is in range. A peer is not trusted to do so.
 */
void error_sanitize(struct sandbox_error *error);

#endif
