/*
 * Allocation of small, bounded things. When even those cannot be had the program says so and ends
 * with 125: no caller could do anything better. A size that an adversary chooses is never passed
 * here; such buffers come from malloc and are checked.
 */
#ifndef BASE_MEMORY_H
#define BASE_MEMORY_H

#include <stddef.h>

void *memory_zeroed(size_t count, size_t size);
void *memory_resize(void *block, size_t count, size_t size);
/* Room for one element more than `count`, for lists that only grow: they are copied when they have doubled. */
void *memory_room(void *block, size_t count, size_t size);
char *memory_text(const char *text);                 /* strdup; NULL gives NULL */
char *memory_text_n(const char *text, size_t length); /* strndup */
char *memory_format(const char *format, ...) __attribute__((format(printf, 1, 2)));
/* Adds to the end of *text, which moves; NULL is an empty text. */
void memory_append(char **text, const char *format, ...) __attribute__((format(printf, 2, 3)));

#endif
