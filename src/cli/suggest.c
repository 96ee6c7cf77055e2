#include "cli/suggest.h"

#include <string.h>

#include "base/text.h"

enum { WORD_MAX = 40, BEGINNING_MIN = 3 };

static unsigned int smaller(unsigned int a, unsigned int b)
{
	return a < b ? a : b;
}

/*
 * How many letters must be changed, left out, added or swapped with their neighbour to make one word of the other:
 * the optimal string alignment distance, row by row of the table of all pairs of beginnings.
 */
static unsigned int distance(const char *from, const char *to)
{
	unsigned int rows[3][WORD_MAX + 1], *before = rows[0], *previous = rows[1], *row = rows[2], *spare;
	size_t width = strlen(to);

	for (unsigned int j = 0; j <= width; j++)
		previous[j] = before[j] = j;
	for (unsigned int i = 1; from[i - 1]; i++) {
		row[0] = i;
		for (unsigned int j = 1; j <= width; j++) {
			row[j] = smaller(previous[j - 1] + (from[i - 1] != to[j - 1]), smaller(previous[j], row[j - 1]) + 1);
			if (i > 1 && j > 1 && from[i - 1] == to[j - 2] && from[i - 2] == to[j - 1])
				row[j] = smaller(row[j], before[j - 2] + 1);
		}
		spare = before;
		before = previous;
		previous = row;
		row = spare;
	}
	return previous[width];
}

void suggestion_consider(struct suggestion *suggestion, const char *word)
{
	size_t length = strlen(suggestion->typed);
	unsigned int changes;

	if (!length || length > WORD_MAX || strlen(word) > WORD_MAX)
		return;
	changes = distance(suggestion->typed, word);
	if (length >= BEGINNING_MIN && text_starts_with(word, suggestion->typed))
		changes = 1;
	/* What shares no letter is no misspelling of it. */
	if (changes > 1 + length / 4 || changes >= length)
		return;
	if (suggestion->word && changes >= suggestion->distance)
		return;
	suggestion->word = word;
	suggestion->distance = changes;
}
