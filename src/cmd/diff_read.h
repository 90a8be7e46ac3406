/*
 * diff_read: a result in JSON Lines, of scan, stack or audit, told to judge/changes record by
 * record. What it does not know it leaves out; what is no result it refuses, with its line.
 */
#ifndef CMD_DIFF_READ_H
#define CMD_DIFF_READ_H

#include <stdbool.h>
#include <stdio.h>

#include "base/err.h"
#include "cmd/diff_files.h"
#include "cmd/diff_parts.h"
#include "judge/changes.h"

/* What a result says of itself. */
struct diff_source {
	char started[40]; /* of its last run, as written; "" */
	char probes[160]; /* of its first window, as JSON; "" */
	bool complete;	  /* every run of it ended well, or another did in its place */
	bool cut;	  /* a file's last line is half a line */
	/* A run has no summary: it was killed, or the file is cut off; or a shard is not there. */
	bool unended;
	bool vague; /* a run does not say all that it asked */
	struct diff_missing missing;
};

/* Files that together are one result, all of them open. */
int diff_read(struct changes *c, size_t side, struct diff_files *files, struct diff_source *out,
	      struct err *e);
/* One open file; takes it. */
int diff_read_of(struct changes *c, size_t side, FILE *f, const char *name, struct diff_source *out,
		 struct err *e);

#endif
