/*
 * What could stand at the end of a command line, from the option tables: for the scripts in contrib/completion, which
 * ask `sandbox completion answer WORD...` each time, and so never know another program's options.
 */
#ifndef CLI_COMPLETION_H
#define CLI_COMPLETION_H

#include <stdbool.h>

#include <sandbox/strings.h>

struct cli;

struct completion {
	bool files;       /* names of files of the caller's may follow, too */
	bool directories; /* likewise, but directories only */
	char *prefix;     /* the part of the last word that comes before what is completed: "--volume=" */
	struct sandbox_strings words; /* WORD or WORD<tab>what it is; each begins with the rest of the last word */
};

/* `words` is what was typed after "sandbox", the last one the beginning of a word, or empty. There is at least one. */
void completion_find(const struct cli *cli, int count, char **words, struct completion *out);
void completion_finish(struct completion *completion);

#endif
