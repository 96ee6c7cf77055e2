/*
 * A text with the values of a JSON object in braces, as docker-inspect(1) has it: '{{.State.Status}} {{json .Config}}'.
 * \t and \n are a tab and a newline. A string is shown as it is, and null as nothing. Nothing else of Go's templates is
 * understood, and that is an error.
 */
#ifndef CLI_TEMPLATE_H
#define CLI_TEMPLATE_H

#include "base/error.h"

struct json_object;

/* The text for this object; the caller frees. 0, or -EINVAL with E_USAGE: also for a key that the object has not. */
int template_fill(const char *text, struct json_object *object, char **out, struct sandbox_error *error);

#endif
