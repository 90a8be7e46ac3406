/*
 * telling: what a run told, drawn by the renderers of text and JSON into memory, so that foreign
 * octets get as far as they can. Asserts that no control character comes out, and that each line of
 * JSON is one object. What is right to say it doesn't know.
 */
#ifndef TESTS_FUZZ_TELLING_H
#define TESTS_FUZZ_TELLING_H

#include <stdio.h>

#include "report/report.h"

struct telling {
	struct run_info run;
	struct report_style style;
	FILE *f[2]; /* text, JSON */
	char *out[2];
	size_t len[2];
	struct report *tee;
};

/* Its sink is t->tee->sink. Aborts where memory is out. */
void telling_open(struct telling *t, const char *command, bool verbose);
void telling_close(struct telling *t);

#endif
