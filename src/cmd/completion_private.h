/*
 * completion_private: what may stand where on a command line, between who finds it out (completion)
 * and who writes it in a shell's own words (completion_bash, completion_zsh, completion_fish).
 */
#ifndef CMD_COMPLETION_PRIVATE_H
#define CMD_COMPLETION_PRIVATE_H

#include <stdbool.h>
#include <stdio.h>

#include "base/bytes.h"
#include "cmd/cmd.h"
#include "cmd/options.h"

enum fill_kind {
	FILL_NOTHING, /* a value that nobody can guess */
	FILL_FILE,
	FILL_HOST,
	FILL_USER,
	FILL_INTERFACE, /* and `words` */
	FILL_WORD,	/* one of `words` */
	FILL_LIST,	/* several of them, with commas between */
	FILL_FINDINGS,	/* a list, of the scenario that is on the line */
};

enum { FILL_WORDS_MAX = 2048 };

struct fill {
	enum fill_kind kind;
	const char *name;	    /* as --help has it: "KINDS" */
	char words[FILL_WORDS_MAX]; /* a blank between two */
};

/* What the argument of `r` may be. */
void fill_of_row(struct fill *f, const struct option_table *t, const struct option_row *r);
/* What words that are no options may be: 0 nothing, 1 all are like `first`, 2 `first` is one of a
 * few words, and those behind it are like `then`. */
unsigned fill_of_words(struct fill *first, struct fill *then, const struct option_table *t);

/* The next row of a table that is to be offered, from *i on; NULL at the end. */
const struct option_row *fill_next_row(const struct option_table *t, size_t *i);
/* The spellings of a row, "--ports", "-p", "-iL", from *i on; false behind the last. */
bool fill_spelling(const struct option_row *r, size_t *i, char *buf, size_t cap);
/* The first words of what --help says of it. */
void fill_summary(const struct option_row *r, char *buf, size_t cap);
/* The next of words that are separated by blanks, cut to `cap`; false at the end. */
bool fill_item(const char **words, char *item, size_t cap);

void completion_bash(FILE *f);
void completion_zsh(FILE *f);
void completion_fish(FILE *f);

#endif
