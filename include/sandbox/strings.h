/* A growing list of owned strings. `items` is NULL-terminated once anything was added. */
#ifndef SANDBOX_STRINGS_H
#define SANDBOX_STRINGS_H

#include <stddef.h>

struct sandbox_strings {
	char **items;
	size_t count;
};

/* Copies `text` to the end of the list. */
void sandbox_strings_add(struct sandbox_strings *list, const char *text);

/* Frees every string; the list is empty and usable afterwards. */
void sandbox_strings_finish(struct sandbox_strings *list);

#endif
