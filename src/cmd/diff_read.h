/*
 * diff_read: a result in JSON Lines, of scan, stack or audit, told to judge/changes record by
 * record. What it does not know it leaves out; what is no result it refuses, with its line.
 */
#ifndef CMD_DIFF_READ_H
#define CMD_DIFF_READ_H

#include <stdbool.h>
#include <stdio.h>

#include "base/err.h"
#include "judge/changes.h"

/* What a result says of itself. */
struct diff_source {
	char started[40]; /* of its last run, as written; "" */
	char probes[160]; /* of its first window, as JSON; "" */
	bool complete;	  /* every run of it ended well */
	bool cut;	  /* its last line is half a line */
	bool unended;	  /* its last run has no summary: it was killed, or the file is cut off */
	bool vague;	  /* a run does not say all that it asked */
};

/* "-" is stdin. */
int diff_read(struct changes *c, enum change_side side, const char *path, struct diff_source *out,
	      struct err *e);
/* The same of an open file; takes it. */
int diff_read_of(struct changes *c, enum change_side side, FILE *f, const char *name,
		 struct diff_source *out, struct err *e);

#endif
