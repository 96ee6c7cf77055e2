/* More verbs for struct sandbox_strings. */
#ifndef BASE_STRINGS_H
#define BASE_STRINGS_H

#include <sandbox/strings.h>
#include <stdbool.h>

/* Adds a string that the list owns from now on. */
void strings_take(struct sandbox_strings *list, char *text);
void strings_add_all(struct sandbox_strings *list, const struct sandbox_strings *more);
bool strings_contain(const struct sandbox_strings *list, const char *text);

/* NAME=VALUE lists, as in environ(7): a second value for a name replaces the first in its place. */
void strings_set_variable(struct sandbox_strings *list, const char *name, const char *value);
void strings_remove_variable(struct sandbox_strings *list, const char *name);
const char *strings_variable(const struct sandbox_strings *list, const char *name); /* NULL if unset */

#endif
