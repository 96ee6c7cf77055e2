/*
 * A spec as an object of a record, and back: what was asked for once, to be asked for again. Only what differs from the
 * defaults is written down; a key that is missing is a default.
 */
#ifndef RUNTIME_SPEC_RECORD_H
#define RUNTIME_SPEC_RECORD_H

#include <sandbox/spec.h>

#include "base/error.h"

struct json_object;

/*
 * 0 or -errno: EILSEQ with E_USAGE for a text that is no UTF-8, which JSON cannot hold as it is. The caller frees the
 * object.
 */
int spec_record_describe(const struct sandbox_spec *spec, struct json_object **out, struct sandbox_error *error);

/*
 * The spec of an object, strictly: a key that is not known is an error, for it may be a protection. 0 or -errno;
 * *out is to be finished in either case.
 */
int spec_record_read(struct json_object *object, const char *path, struct sandbox_spec *out, struct sandbox_error *error);

/* What `said` has of limits takes the place of what the spec had; all else stays. */
void spec_record_change_limits(struct sandbox_spec *spec, const struct sandbox_limits *said);

/* How many fields are written down, and where the field `index` is in the spec; for the test that none is missing. */
size_t spec_record_count(void);
size_t spec_record_offset(size_t index);

#endif
