/*
 * telling: what a run told, drawn by the renderers of text and JSON (and of `explain`: as a page)
 * into memory, so that foreign octets get as far as they can. Asserts that no control character
 * comes out, that each line of JSON is one object, and that a page has no more scripts than it
 * should. What is right to say it doesn't know.
 */
#ifndef TESTS_FUZZ_TELLING_H
#define TESTS_FUZZ_TELLING_H

#include <stdio.h>

#include "report/report.h"

enum { TELLING_FORMS = 3 };

struct telling {
	struct run_info run;
	struct report_style style;
	FILE *f[TELLING_FORMS]; /* text, JSON, HTML */
	char *out[TELLING_FORMS];
	size_t len[TELLING_FORMS], n;
	struct report *tee;
};

/* Its sink is t->tee->sink. Aborts where memory is out. */
void telling_open(struct telling *t, const char *command, bool verbose);
void telling_close(struct telling *t);

#endif
