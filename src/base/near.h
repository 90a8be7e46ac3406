/* near: which known word a mistyped one was meant to be. What the words mean is its callers'. */
#ifndef BASE_NEAR_H
#define BASE_NEAR_H

/*
 * How many letters are to be put in, left out, changed or swapped with their neighbour: "sacn" is
 * 1 from "scan". 3 or more: not alike.
 */
unsigned near_distance(const char *a, const char *b);

/* The nearest of several. Zero-initialised but for `word`, which is compared in small letters. */
struct near {
	const char *word;
	const char *best; /* NULL: none is alike */
	unsigned distance;
};

/* At most 2 mistakes, and no more than half of the known word. NULL is no candidate. */
void near_try(struct near *n, const char *known);

#endif
