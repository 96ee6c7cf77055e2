#include "base/strings.h"

#include <stdlib.h>
#include <string.h>

#include "base/memory.h"

void strings_take(struct sandbox_strings *list, char *text)
{
	list->items = memory_resize(list->items, list->count + 2, sizeof(*list->items));
	list->items[list->count++] = text;
	list->items[list->count] = NULL;
}

void sandbox_strings_add(struct sandbox_strings *list, const char *text)
{
	strings_take(list, memory_text(text));
}

void strings_add_all(struct sandbox_strings *list, const struct sandbox_strings *more)
{
	for (size_t i = 0; i < more->count; i++)
		sandbox_strings_add(list, more->items[i]);
}

bool strings_contain(const struct sandbox_strings *list, const char *text)
{
	for (size_t i = 0; i < list->count; i++)
		if (strcmp(list->items[i], text) == 0)
			return true;
	return false;
}

static char **strings_variable_slot(const struct sandbox_strings *list, const char *name)
{
	size_t length = strlen(name);

	for (size_t i = 0; i < list->count; i++)
		if (strncmp(list->items[i], name, length) == 0 && list->items[i][length] == '=')
			return &list->items[i];
	return NULL;
}

void strings_set_variable(struct sandbox_strings *list, const char *name, const char *value)
{
	char *assignment = memory_format("%s=%s", name, value);
	char **slot = strings_variable_slot(list, name);

	if (!slot) {
		strings_take(list, assignment);
		return;
	}
	free(*slot);
	*slot = assignment;
}

void strings_remove_variable(struct sandbox_strings *list, const char *name)
{
	char **slot = strings_variable_slot(list, name);

	if (!slot)
		return;
	free(*slot);
	list->count--;
	/* With the NULL at the end. */
	memmove(slot, slot + 1, (size_t)(&list->items[list->count + 1] - slot) * sizeof(*slot));
}

const char *strings_variable(const struct sandbox_strings *list, const char *name)
{
	char **slot = strings_variable_slot(list, name);

	return slot ? *slot + strlen(name) + 1 : NULL;
}

void sandbox_strings_finish(struct sandbox_strings *list)
{
	if (!list)
		return;
	for (size_t i = 0; i < list->count; i++)
		free(list->items[i]);
	free(list->items);
	list->items = NULL;
	list->count = 0;
}
