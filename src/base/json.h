/*
 * JSON by json-c, with strict accessors: the type must be the one asked for, numbers must be in range,
 * strings hold no NUL, keys are not given twice, and every error names the JSON path.
 * Values are borrowed from the root, which json_free releases.
 */
#ifndef BASE_JSON_H
#define BASE_JSON_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <sandbox/strings.h>

#include "base/error.h"

struct json_object; /* json-c's own */

/* Parses exactly one value that fills `size` bytes. `name` is for the error. 0 or -errno. */
int json_parse(const char *data, size_t size, const char *name, struct json_object **out,
	struct sandbox_error *error);
void json_free(struct json_object **root);

/*
 * Member `key` of an object. A missing member (or null) is an error unless `optional`; then *out is
 * left untouched and 0 is returned. `path` names the object in errors, for example "config".
 */
int json_get_string(struct json_object *object, const char *path, const char *key, bool optional,
	const char **out, struct sandbox_error *error);
int json_get_unsigned(struct json_object *object, const char *path, const char *key, bool optional,
	uint64_t limit, uint64_t *out, struct sandbox_error *error);
int json_get_boolean(struct json_object *object, const char *path, const char *key, bool optional, bool *out,
	struct sandbox_error *error);
int json_get_object(struct json_object *object, const char *path, const char *key, bool optional,
	struct json_object **out, struct sandbox_error *error);

int json_get_array(struct json_object *object, const char *path, const char *key, bool optional,
	struct json_object **out, struct sandbox_error *error);

/* Appends the strings of an array that holds nothing else. */
int json_get_strings(struct json_object *object, const char *path, const char *key, bool optional,
	struct sandbox_strings *out, struct sandbox_error *error);

/* The names of all members. -EINVAL when it is no object. */
int json_get_keys(struct json_object *object, const char *path, struct sandbox_strings *out, struct sandbox_error *error);

/* The value of a member, whatever it is; NULL when there is none, or no object. */
struct json_object *json_member_value(struct json_object *object, const char *key);

/* A string as it is, null as nothing, and all else as a JSON text in one line. The caller frees. */
char *json_plain(struct json_object *value);

bool json_is_array(const struct json_object *value);
/* Of an array; an item may be NULL (null). */
size_t json_length(struct json_object *array);
struct json_object *json_item(struct json_object *array, size_t index);

/* An item that must be a string; `path` names the array. 0 or -errno. */
int json_item_string(struct json_object *array, const char *path, size_t index, const char **out,
	struct sandbox_error *error);

/* Whether an object has no other keys than these (NULL-terminated). 0 or -errno. */
int json_check_keys(struct json_object *object, const char *path, const char *const *known, struct sandbox_error *error);

/* Building. The parent owns what is added to it. Strings with invalid UTF-8 are escaped by text_escape. */
struct json_object *json_new_object(void);
struct json_object *json_new_array(void);
void json_add_string(struct json_object *object, const char *key, const char *value); /* NULL: null */
void json_add_boolean(struct json_object *object, const char *key, bool value);
void json_add_unsigned(struct json_object *object, const char *key, uint64_t value);
void json_add(struct json_object *object, const char *key, struct json_object *value);
void json_add_strings(struct json_object *object, const char *key, const struct sandbox_strings *list);
/* Of KEY=VALUE, as an object of texts. The last one of a key counts. */
void json_add_pairs(struct json_object *object, const char *key, const struct sandbox_strings *list);
void json_append(struct json_object *array, struct json_object *value);

/* The text of a value, indented, with a final newline. The caller frees. */
char *json_text(struct json_object *root);

/* The same on one line, without a newline. The caller frees. */
char *json_line(struct json_object *root);

/* A string as JSON has it. The caller frees. */
char *json_quote(const char *text);

#endif
