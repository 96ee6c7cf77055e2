/* Strings: escaping for a terminal, strict numbers, sizes and durations. */
#ifndef BASE_TEXT_H
#define BASE_TEXT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/*
 * A copy that is safe to print: control bytes, invalid UTF-8, the bidirectional control characters (U+061C, U+200E/F,
 * U+202A-E, U+2066-9), line separators (U+2028/9) and U+FEFF become \xNN; a backslash becomes \\. The caller frees.
 */
char *text_escape(const char *text);
/* The same for what is JSON already: such characters become \uNNNN, which says no less. The caller frees. */
char *text_escape_json(const char *json);

/* Whether all of it is valid, shortest-form UTF-8. */
bool text_is_utf8(const char *text);

bool text_starts_with(const char *text, const char *prefix);

/* How many bytes of it, `limit` at most, end no character in its middle. */
size_t text_cut(const char *text, size_t limit);

/* Leaves `limit` bytes (3 or more) at most in its place: the end of a longer one becomes "...". Returns `text`. */
char *text_shorten(char *text, size_t limit);

/* Decimal digits only, no sign, no space, at most `limit`. False and *out untouched otherwise. */
bool text_parse_unsigned(const char *text, uint64_t limit, uint64_t *out);

/* As above for octal (file modes). */
bool text_parse_octal(const char *text, uint64_t limit, uint64_t *out);

/* Bytes with Docker's suffixes b k m g t (powers of 1024, either case, optional trailing b or iB). */
bool text_parse_size(const char *text, uint64_t *out_bytes);

/* A duration such as 10, 1.5s, 300ms, 2m, 1h30m; a bare number is seconds, and stands alone. */
bool text_parse_duration(const char *text, uint64_t *out_milliseconds);

/* Which of the two words goes with this number: "1 image", "0 images". */
const char *text_plural(size_t count, const char *one, const char *many);

/* "1.4 GiB"; `buffer` is returned. */
const char *text_format_size(uint64_t bytes, char *buffer, size_t size);

#endif
