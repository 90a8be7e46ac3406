/*
 * near: the distance of Damerau and Levenshtein between short words (adjacent letters swapped count
 * as one mistake of the fingers), and the choice among several.
 */
#include "base/near.h"

#include <stddef.h>
#include <string.h>

enum { WORD_MAX = 40, NOT_ALIKE = 3 };

/* Letters to be put in, left out, changed or swapped with their neighbour: "sacn" is 1 from "scan".
 */
static unsigned distance(const char *a, const char *b)
{
	size_t la = strlen(a), lb = strlen(b);
	unsigned d[3][WORD_MAX + 1];

	if (la > WORD_MAX || lb > WORD_MAX)
		return NOT_ALIKE;
	for (unsigned j = 0; j <= lb; j++)
		d[0][j] = j;
	for (unsigned i = 1; i <= la; i++) {
		unsigned *row = d[i % 3], *above = d[(i + 2) % 3], *above2 = d[(i + 1) % 3];

		row[0] = i;
		for (unsigned j = 1; j <= lb; j++) {
			unsigned best = above[j - 1] + (a[i - 1] != b[j - 1]);

			best = above[j] + 1 < best ? above[j] + 1 : best;
			best = row[j - 1] + 1 < best ? row[j - 1] + 1 : best;
			if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1] &&
			    above2[j - 2] + 1 < best)
				best = above2[j - 2] + 1;
			row[j] = best;
		}
	}
	return d[la % 3][lb];
}

void near_try(struct near *n, const char *known)
{
	char small[WORD_MAX + 1];
	size_t i = 0;
	unsigned d;

	if (!known)
		return;
	for (; i < WORD_MAX && n->word[i]; i++)
		small[i] =
		    n->word[i] >= 'A' && n->word[i] <= 'Z' ? (char)(n->word[i] + 32) : n->word[i];
	if (n->word[i])
		return;
	small[i] = '\0';
	d = distance(small, known);
	if (d >= NOT_ALIKE || 2 * d > strlen(known) || (n->best && d >= n->distance))
		return;
	n->best = known;
	n->distance = d;
}
