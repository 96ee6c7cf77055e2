/* The word that was probably meant. */
#ifndef CLI_SUGGEST_H
#define CLI_SUGGEST_H

struct suggestion {
	const char *typed;
	const char *word; /* the nearest so far; NULL when none is near. Borrowed */
	unsigned int distance;
};

#define SUGGESTION_INIT(typed_word) {.typed = (typed_word)}

/*
 * Looks at one more word that could have been meant. It is near when few letters were changed, left out, added or
 * swapped (one, and one more for every four letters that were typed), or when only its beginning was typed.
 */
void suggestion_consider(struct suggestion *suggestion, const char *word);

#endif
