#include "cli/filter.h"

#include <string.h>

#include "base/memory.h"
#include "base/scope.h"
#include "base/text.h"

/* The value of a filter by this key; NULL for one by another. */
static const char *value_of(const char *filter, const char *key)
{
	size_t length = strlen(key);

	return strncmp(filter, key, length) == 0 && filter[length] == '=' ? filter + length + 1 : NULL;
}

static bool is_word(const char *const *words, const char *value)
{
	while (*words && strcmp(*words, value) != 0)
		words++;
	return *words != NULL;
}

static char *list_words(const char *const *words)
{
	char *list = NULL;

	for (; *words; words++)
		memory_append(&list, " %s", *words);
	return list;
}

static int refuse_key(const char *filter, const struct filter_key *keys, struct sandbox_error *error)
{
	auto_free char *shown = text_escape(filter), *names = NULL;

	for (const struct filter_key *key = keys; key->name; key++)
		memory_append(&names, " %s", key->name);
	error_set(error, 0, "--filter %s", shown);
	error_cause(error, SANDBOX_E_USAGE, "a filter is KEY=VALUE, with one of these keys:%s", names);
	return error_fix(error, "for example --filter %s=%s", keys->name, keys->words ? keys->words[0] : "VALUE");
}

static int refuse_value(const char *filter, const struct filter_key *key, struct sandbox_error *error)
{
	auto_free char *shown = text_escape(filter), *words = list_words(key->words);

	error_set(error, 0, "--filter %s", shown);
	error_cause(error, SANDBOX_E_USAGE, "the values of %s are:%s", key->name, words);
	return error_fix(error, "for example --filter %s=%s", key->name, key->words[0]);
}

static int check(const char *filter, const struct filter_key *keys, struct sandbox_error *error)
{
	for (const struct filter_key *key = keys; key->name; key++) {
		const char *value = value_of(filter, key->name);

		if (value)
			return key->words && !is_word(key->words, value) ? refuse_value(filter, key, error) : 0;
	}
	return refuse_key(filter, keys, error);
}

int filters_check(const struct sandbox_strings *filters, const struct filter_key *keys, struct sandbox_error *error)
{
	int result = 0;

	for (size_t i = 0; i < filters->count && result == 0; i++)
		result = check(filters->items[i], keys, error);
	return result;
}

static bool is_met(const struct sandbox_strings *filters, const struct filter_key *key, const void *item)
{
	size_t given = 0, met = 0;

	for (size_t i = 0; i < filters->count; i++) {
		const char *value = value_of(filters->items[i], key->name);

		given += value != NULL;
		met += value && key->matches(item, value);
	}
	return key->each ? met == given : !given || met;
}

bool filters_match(const struct sandbox_strings *filters, const struct filter_key *keys, const void *item)
{
	for (const struct filter_key *key = keys; key->name; key++)
		if (!is_met(filters, key, item))
			return false;
	return true;
}

bool filters_have(const struct sandbox_strings *filters, const char *key)
{
	for (size_t i = 0; i < filters->count; i++)
		if (value_of(filters->items[i], key))
			return true;
	return false;
}
