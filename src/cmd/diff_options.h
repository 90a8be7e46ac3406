/* diff_options: what the words after `diff` ask for, parsed and checked, nothing opened. */
#ifndef CMD_DIFF_OPTIONS_H
#define CMD_DIFF_OPTIONS_H

#include "base/err.h"
#include "cmd/outputs.h"

struct diff_options {
	const char *files[2]; /* OLD, NEW; borrowed from argv */
	size_t n_files;
	unsigned only; /* bits by enum change_kind */
	struct outputs out;
	int verbosity; /* -1 -q, 0, 1 -v, 2 -vv */
};

/* 0; 1 where -h was asked and printed; -1 with `e` (one line naming the word and the fix). */
int diff_options_parse(struct diff_options *o, int argc, char **argv, struct err *e);

#endif
