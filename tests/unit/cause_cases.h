/*
 * cause_cases: what each cause looks like, and what only looks like it; conversations in the
 * notation of rstscript.h.
 */
#ifndef TESTS_CAUSE_CASES_H
#define TESTS_CAUSE_CASES_H

#include "judge/cause.h"

struct cause_case {
	enum cause about;
	/* What it is: `about` itself, or the nearest neighbour; then `about` may not be said. */
	enum cause is;
	const char *what;
	const char *script;
};
extern const struct cause_case cause_cases[];
extern const size_t cause_case_count;

/* Situations that once were misjudged, by no cause in particular. */
struct pitfall {
	const char *what;
	const char *script;
};
extern const struct pitfall pitfalls[];
extern const size_t pitfall_count;

/* Ends of a script that many begin with. */
#define OPEN "> S; < S.; > .;"		  /* frames 1 to 3 */
#define ASKED OPEN "> P. len 100; < .;"	  /* 4, 5 */
#define TALKED ASKED "< P. len 500; > .;" /* 6, 7 */
#define OPEN_2 "2> S; 2< S.; 2> .;"
#define OPEN_3 "3> S; 3< S.; 3> .;"

#endif
