/*
 * Options are declared once, in a table: name, letter, kind, argument, help, and where the value goes.
 * Parsing, --help, the manual page check and completion all read that table. Options stop at the first
 * operand, as in docker(1) and podman(1); "--" is allowed and never needed.
 */
#ifndef CLI_OPTION_H
#define CLI_OPTION_H

#include <stdbool.h>
#include <stddef.h>

#include "base/error.h"
#include "cli/suggest.h"

enum option_kind {
	OPTION_END,      /* closes a table */
	OPTION_GIVEN,    /* no option: struct sandbox_strings that receives NAME=ORIGIN for each that was given */
	OPTION_HEADING,  /* a line of --help; `help` is its text */
	OPTION_FLAG,     /* bool: --name, --name=true, --name=false, -n=false */
	OPTION_TEXT,     /* char *, owned by the target; the last one wins */
	OPTION_LIST,     /* struct sandbox_strings; each one is added */
	OPTION_UNSIGNED, /* uint64_t */
	OPTION_SIZE,     /* uint64_t bytes: 64m, 1.5g */
	OPTION_DURATION, /* uint64_t milliseconds: 10, 1m30s */
	OPTION_OPTIONAL, /* OPTION_TEXT whose value may be left out, see below */
	OPTION_ALIAS,    /* another name of the option called `argument` */
	OPTION_CHOICE,   /* int: the index of one of `choices` (NULL-terminated) */
	OPTION_ABSENT,   /* an option of other tools that there is not: `help` is what to do instead. Never listed */
};

struct option_entry {
	enum option_kind kind;
	const char *name;     /* without the dashes */
	char letter;          /* or 0 */
	const char *argument; /* how --help shows the value; NULL for a flag */
	const char *help;
	size_t offset; /* of the field in the target */
	/*
	 * OPTION_OPTIONAL: without a value it is the first of them, and the next word is taken for the value only if it is
	 * one of them, or one of them and a colon with something behind it. Any value can follow an equals sign.
	 */
	const char *const *choices; /* of other kinds: what completion proposes, NULL for what `argument` suggests */
	/* OPTION_OPTIONAL: values of other tools, which are to get an error and not to be taken for an operand. */
	const char *const *foreign_choices;
	bool typed_only; /* it is about one command line, and means nothing in a configuration file */
};

/* Whether the word asks for help: --help, and -h where it is no letter of the table (which may be NULL). */
bool option_is_help(const struct option_entry *table, const char *word);

/*
 * Reads options from argv (argv[0] is not looked at) into `target`. *out_operands is the index of the
 * first operand, or OPTIONS_HELP when help was asked for. 0, or -EINVAL with E_USAGE.
 */
enum { OPTIONS_HELP = -1 };

int options_parse(const struct option_entry *table, void *target, int argc, char **argv, int *out_operands,
	struct sandbox_error *error);

/*
 * The option with this long name. NULL when the table has none; `suggestion`, if not NULL, then has considered
 * every name of the table.
 */
const struct option_entry *option_find(const struct option_entry *table, const char *name,
	struct suggestion *suggestion);

/*
 * The option whose value is the word `next` of a command line, after `word`: "--name", "-n", "-ain". NULL when there is
 * none, the option takes no value, or `word` has it already.
 */
const struct option_entry *option_of_word(const struct option_entry *table, const char *word, const char *next);

/*
 * Assigns one option, which the table has, outside of a command line; `value` is NULL where none was given, `origin`
 * what OPTION_GIVEN receives. 0, or -EINVAL with E_USAGE.
 */
int option_assign(const struct option_entry *table, void *target, const char *name, const char *value,
	const char *origin, struct sandbox_error *error);

/* Whether it is one of `refused`: NULL-terminated names, or NULL. */
bool option_is_refused(const struct option_entry *entry, const char *const *refused);

/* Whether it is for listing, by --help and completion: those that are refused are not. */
bool option_is_listed(const struct option_entry *entry, const char *const *refused);

/* Writes the options that are for listing, one a line and aligned, and the headings to standard output. */
void options_print_help(const struct option_entry *table, const char *const *refused);

#endif
