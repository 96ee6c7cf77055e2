#include "process/detach_keys.h"

#include <string.h>

#include "base/scope.h"
#include "base/text.h"

static const char control_word[] = "ctrl-";

static int refuse(const char *text, struct sandbox_error *error)
{
	auto_free char *shown = text_escape(text);

	error_set(error, 0, "--detach-keys %s", shown);
	error_cause(error, SANDBOX_E_USAGE,
		"up to %d keys, separated by commas: each a character, or ctrl- and one of a-z [ \\ ] ^ _", DETACH_KEYS_MAX);
	return error_fix(error, "for example --detach-keys " DETACH_KEYS_USUAL ", or '' for none");
}

/* The byte that a terminal sends; 0 for what is no key. */
static char parse_key(const char *text, size_t length)
{
	char key = *text;

	if (length <= 1)
		return (char)(length ? key : 0);
	key = text[length - 1];
	if (length != sizeof(control_word) || !text_starts_with(text, control_word))
		return 0;
	if (key >= 'a' && key <= 'z')
		return (char)(key - 'a' + 1);
	if (!strchr("[\\]^_", key))
		return 0;
	return (char)(key - '@');
}

int detach_keys_parse(const char *text, struct detach_keys *out, struct sandbox_error *error)
{
	*out = (struct detach_keys){.count = 0};
	for (const char *next = text; *text;) {
		size_t length = strcspn(next, ",");
		char key = parse_key(next, length);

		if (!key || out->count == DETACH_KEYS_MAX)
			return refuse(text, error);
		out->keys[out->count++] = key;
		if (!next[length])
			break;
		next += length + 1;
	}
	return 0;
}

/* How many of the keys those that have come end with, and this byte: as "aab" is met in "aaab". */
static size_t fall_back(const struct detach_keys *keys, char byte)
{
	for (size_t length = keys->met; length > 0; length--) {
		size_t skipped = keys->met - length + 1;

		if (keys->keys[length - 1] == byte && memcmp(keys->keys, keys->keys + skipped, length - 1) == 0)
			return length;
	}
	return 0;
}

size_t detach_keys_filter(struct detach_keys *keys, const char *in, size_t size, char *out, bool *out_left)
{
	size_t used = 0;

	*out_left = false;
	for (size_t i = 0; i < size && !*out_left; i++) {
		size_t held = keys->met, now = 0;

		if (keys->count && in[i] == keys->keys[held])
			now = held + 1;
		else if (keys->count)
			now = fall_back(keys, in[i]);
		/* What is not held back any more goes on: of what was held, and perhaps this byte. */
		for (size_t j = 0; j < held + 1 - now; j++)
			out[used++] = (char)(j < held ? keys->keys[j] : in[i]);
		keys->met = now;
		*out_left = keys->count && now == keys->count;
	}
	if (*out_left)
		keys->met = 0;
	return used;
}
