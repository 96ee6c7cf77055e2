#include "cli/option.h"

#include <errno.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "base/scope.h"
#include "base/strings.h"
#include "base/text.h"

static const char *const boolean_words[] = {"false", "true", NULL};

static int usage_error(struct sandbox_error *error, const char *format, ...) __attribute__((format(printf, 2, 3)));

static int usage_error(struct sandbox_error *error, const char *format, ...)
{
	char sentence[256];
	va_list args;

	va_start(args, format);
	(void)vsnprintf(sentence, sizeof(sentence), format, args);
	va_end(args);
	error_set(error, 0, "%s", sentence);
	return error_cause(error, SANDBOX_E_USAGE, "%s", "");
}

static const struct option_entry *find_long(const struct option_entry *table, const char *name)
{
	for (const struct option_entry *entry = table; entry->kind != OPTION_END; entry++)
		if (entry->name && strcmp(entry->name, name) == 0)
			return entry->kind == OPTION_ALIAS ? find_long(table, entry->argument) : entry;
	return NULL;
}

static const struct option_entry *find_letter(const struct option_entry *table, char letter)
{
	for (const struct option_entry *entry = table; entry->kind != OPTION_END; entry++)
		if (entry->letter && entry->letter == letter)
			return entry;
	return NULL;
}

/* The index of `value` in `words`, or -1. */
static int word_index(const char *const *words, const char *value)
{
	for (int i = 0; words[i]; i++)
		if (strcmp(words[i], value) == 0)
			return i;
	return -1;
}

static int choice_error(const struct option_entry *entry, const char *value, struct sandbox_error *error)
{
	auto_free char *words = memory_text("");

	for (size_t i = 0; entry->choices[i]; i++)
		memory_append(&words, "%s%s", i ? ", " : "", entry->choices[i]);
	usage_error(error, "--%s: \"%s\" is not one of its values", entry->name, value);
	return error_fix(error, "use one of: %s", words);
}

static bool ends_with(const char *text, const char *end)
{
	size_t length = strlen(text), tail = strlen(end);

	return length >= tail && strcmp(text + length - tail, end) == 0;
}

/* Items of one list may come from several places: "config, --env". */
static void record_given(const struct option_entry *table, const struct option_entry *entry, void *target,
	const char *origin)
{
	for (; table->kind != OPTION_END; table++) {
		struct sandbox_strings *given = (void *)((char *)target + table->offset);
		auto_free char *both = NULL;
		const char *earlier;

		if (table->kind != OPTION_GIVEN)
			continue;
		earlier = entry->kind == OPTION_LIST ? strings_variable(given, entry->name) : NULL;
		if (earlier)
			both = ends_with(earlier, origin) ? memory_text(earlier) : memory_format("%s, %s", earlier, origin);
		strings_set_variable(given, entry->name, both ? both : origin);
	}
}

static int store_value(const struct option_entry *entry, void *target, const char *value, struct sandbox_error *error)
{
	void *field = (char *)target + entry->offset;
	int index;

	switch (entry->kind) {
	case OPTION_FLAG:
		index = value ? word_index(boolean_words, value) : 1;
		if (index < 0)
			return usage_error(error, "--%s: \"%s\" is neither true nor false", entry->name, value);
		*(bool *)field = index == 1;
		return 0;
	case OPTION_TEXT:
	case OPTION_OPTIONAL:
		free(*(char **)field);
		*(char **)field = memory_text(value);
		return 0;
	case OPTION_LIST:
		sandbox_strings_add(field, value);
		return 0;
	case OPTION_UNSIGNED:
		if (!text_parse_unsigned(value, UINT32_MAX, field))
			return usage_error(error, "--%s: \"%s\" is not a number", entry->name, value);
		return 0;
	case OPTION_SIZE:
		if (!text_parse_size(value, field))
			return usage_error(error, "--%s: \"%s\" is not a size such as 64m or 1g", entry->name, value);
		return 0;
	case OPTION_DURATION:
		if (!text_parse_duration(value, field))
			return usage_error(error, "--%s: \"%s\" is not a duration such as 30s or 5m", entry->name, value);
		return 0;
	case OPTION_CHOICE:
		index = word_index(entry->choices, value);
		if (index < 0)
			return choice_error(entry, value, error);
		*(int *)field = index;
		return 0;
	case OPTION_ABSENT:
		usage_error(error, "there is no option --%s", entry->name);
		return error_fix(error, "%s", entry->help);
	case OPTION_END:
	case OPTION_GIVEN:
	case OPTION_HEADING:
	case OPTION_ALIAS:
		break;
	}
	return usage_error(error, "--%s: not an option", entry->name);
}

static bool takes_value(const struct option_entry *entry)
{
	return entry->kind != OPTION_FLAG && entry->kind != OPTION_ABSENT;
}

/* `value` may be NULL. */
static int assign(const struct option_entry *table, const struct option_entry *entry, void *target, const char *value,
	const char *origin, struct sandbox_error *error)
{
	int result;

	if (!value && entry->kind == OPTION_OPTIONAL)
		value = entry->choices[0];
	if (!value && takes_value(entry))
		return usage_error(error, "--%s needs %s", entry->name, entry->argument);
	result = store_value(entry, target, value, error);
	if (result == 0)
		record_given(table, entry, target, origin);
	return result;
}

const struct option_entry *option_find(const struct option_entry *table, const char *name,
	struct suggestion *suggestion)
{
	const struct option_entry *entry = find_long(table, name);

	for (; suggestion && !entry && table->kind != OPTION_END; table++)
		if (table->name && table->kind != OPTION_ABSENT)
			suggestion_consider(suggestion, table->name);
	return entry;
}

static bool begins_with_one(const char *const *choices, const char *word)
{
	for (; choices && *choices; choices++) {
		size_t length = strlen(*choices);

		if (strncmp(word, *choices, length) == 0 && (word[length] == '\0' || word[length] == ':'))
			return true;
	}
	return false;
}

/* Whether the next word is the value, also of an option that can do without one. */
static bool takes_next(const struct option_entry *entry, const char *next)
{
	if (entry->kind != OPTION_OPTIONAL)
		return takes_value(entry);
	return begins_with_one(entry->choices, next) || begins_with_one(entry->foreign_choices, next);
}

const struct option_entry *option_of_word(const struct option_entry *table, const char *word, const char *next)
{
	const struct option_entry *entry = NULL;

	if (word[0] == '-' && word[1] == '-') {
		entry = find_long(table, word + 2);
		return entry && takes_next(entry, next) ? entry : NULL;
	}
	for (word++; *word; word++) {
		entry = find_letter(table, *word);
		if (entry && takes_value(entry))
			return word[1] ? NULL : entry;
	}
	return NULL;
}

int option_assign(const struct option_entry *table, void *target, const char *name, const char *value,
	const char *origin, struct sandbox_error *error)
{
	return assign(table, find_long(table, name), target, value, origin, error);
}

static int assign_typed(const struct option_entry *table, const struct option_entry *entry, void *target,
	const char *value, struct sandbox_error *error)
{
	auto_free char *origin = memory_format("--%s", entry->name);

	return assign(table, entry, target, value, origin, error);
}

/* `name` is what there may be under another spelling. */
static int unknown_option(const struct option_entry *table, const char *word, const char *name,
	struct sandbox_error *error)
{
	struct suggestion suggestion = SUGGESTION_INIT(name);
	const struct option_entry *entry = option_find(table, name, &suggestion);
	const char *meant = entry ? entry->name : suggestion.word;

	usage_error(error, "unknown option %s", word);
	return meant ? error_fix(error, "did you mean --%s?", meant) : -EINVAL;
}

/* Which of several letters it is; one dash too few is more likely where the word is like a long name. */
static int unknown_letter(const struct option_entry *table, const char *word, char letter, struct sandbox_error *error)
{
	struct suggestion suggestion = SUGGESTION_INIT(word + 1);

	(void)option_find(table, word + 1, &suggestion);
	if (suggestion.word || !word[1] || !word[2])
		return unknown_option(table, word, word + 1, error);
	return usage_error(error, "unknown option -%c in %s", letter, word);
}

/* --name, --name=VALUE, --name VALUE. Returns how many words of argv were used, or -errno. */
static int parse_long(const struct option_entry *table, void *target, int argc, char **argv,
	struct sandbox_error *error)
{
	const char *value = strchr(argv[0], '=');
	auto_free char *name = memory_text_n(argv[0] + 2, strcspn(argv[0] + 2, "="));
	const struct option_entry *entry = find_long(table, name);
	int used = 1, result;

	if (!entry)
		return unknown_option(table, argv[0], name, error);
	if (value)
		value++;
	else if (argc > 1 && takes_next(entry, argv[1]))
		value = argv[used++];
	result = assign_typed(table, entry, target, value, error);
	return result < 0 ? result : used;
}

/* -e VALUE, -eVALUE, several flags at once (-it), and -t=false. Returns how many words were used, or -errno. */
static int parse_letters(const struct option_entry *table, void *target, int argc, char **argv,
	struct sandbox_error *error)
{
	auto_free char *word = memory_text_n(argv[0] + 1, strcspn(argv[0] + 1, "="));

	/* "-volume" is no -v with the value "olume". */
	if (word[0] && word[1] && find_long(table, word))
		return unknown_option(table, argv[0], word, error);
	for (const char *letter = argv[0] + 1; *letter; letter++) {
		const struct option_entry *entry = find_letter(table, *letter);
		const char *value = NULL;
		int result;

		if (!entry)
			return unknown_letter(table, argv[0], *letter, error);
		if (takes_value(entry))
			value = letter[1] ? letter + 1 + (letter[1] == '=') : argc > 1 ? argv[1] : NULL;
		else if (letter[1] == '=')
			value = letter + 2;
		if (takes_value(entry) && !value)
			return usage_error(error, "%s (--%s) needs %s", argv[0], entry->name, entry->argument);
		result = assign_typed(table, entry, target, value, error);
		if (result < 0)
			return result;
		if (value)
			return letter[1] ? 1 : 2;
	}
	return 1;
}

bool option_is_help(const struct option_entry *table, const char *word)
{
	return strcmp(word, "--help") == 0 || (strcmp(word, "-h") == 0 && !(table && find_letter(table, 'h')));
}

int options_parse(const struct option_entry *table, void *target, int argc, char **argv, int *out_operands,
	struct sandbox_error *error)
{
	int index = 1;

	while (index < argc && argv[index][0] == '-' && argv[index][1]) {
		int used;

		if (strcmp(argv[index], "--") == 0) {
			index++;
			break;
		}
		if (option_is_help(table, argv[index])) {
			index = OPTIONS_HELP;
			break;
		}
		used = argv[index][1] == '-' ? parse_long(table, target, argc - index, argv + index, error)
					     : parse_letters(table, target, argc - index, argv + index, error);
		if (used < 0)
			return used;
		index += used;
	}
	*out_operands = index;
	return 0;
}

/* A value that may be left out is never the next word, unless that is a known one. */
static char *shown_argument(const struct option_entry *entry)
{
	if (!entry->argument)
		return memory_text("");
	return memory_format(entry->kind == OPTION_OPTIONAL ? "[=%s]" : " %s", entry->argument);
}

static void print_entry(const struct option_entry *entry)
{
	auto_free char *argument = shown_argument(entry), *words = NULL;

	if (entry->kind == OPTION_HEADING) {
		printf("\n%s\n", entry->help);
		return;
	}
	words = entry->letter ? memory_format("-%c, --%s%s", entry->letter, entry->name, argument)
			      : memory_format("    --%s%s", entry->name, argument);
	if (strlen(words) > 30)
		printf("  %s\n  %-30s  %s\n", words, "", entry->help);
	else
		printf("  %-30s  %s\n", words, entry->help);
}

bool option_is_refused(const struct option_entry *entry, const char *const *refused)
{
	return refused && word_index(refused, entry->name) >= 0;
}

bool option_is_listed(const struct option_entry *entry, const char *const *refused)
{
	return entry->name && entry->kind != OPTION_ALIAS && entry->kind != OPTION_ABSENT && !option_is_refused(entry, refused);
}

void options_print_help(const struct option_entry *table, const char *const *refused)
{
	for (const struct option_entry *entry = table; entry->kind != OPTION_END; entry++)
		if (entry->kind == OPTION_HEADING || option_is_listed(entry, refused))
			print_entry(entry);
}
