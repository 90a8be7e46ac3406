/* diff_options: what the words after `diff` ask for, parsed and checked, nothing opened. */
#ifndef CMD_DIFF_OPTIONS_H
#define CMD_DIFF_OPTIONS_H

#include "base/err.h"
#include "cmd/outputs.h"

struct diff_options {
	const char **words; /* borrowed from argv: OLD NEW, or as below */
	size_t n_words;
	size_t n_old;	 /* of these, before --new */
	bool has_new;	 /* --new */
	bool by_vantage; /* each word is a vantage point */
	unsigned only;	 /* bits by enum change_kind */
	struct outputs out;
	int verbosity; /* -1 -q, 0, 1 -v, 2 -vv */
};

/* 0; 1 where -h was asked and printed; -1 with `e` (one line naming the word and the fix). */
int diff_options_parse(struct diff_options *o, int argc, char **argv, struct err *e);
void diff_options_free(struct diff_options *o);

#endif
