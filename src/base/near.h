/* near: which known word a mistyped one was meant to be. What the words mean is its callers'. */
#ifndef BASE_NEAR_H
#define BASE_NEAR_H

/* The nearest of several. Zero-initialised but for `word`, which is compared in small letters. */
struct near {
	const char *word;
	const char *best; /* NULL: none is alike */
	unsigned distance;
};

/* At most 2 mistakes, and no more than half of the known word. NULL is no candidate. */
void near_try(struct near *n, const char *known);

#endif
