/*
 * options: a command's options as a const table, and the walk over argv that reads it. It knows how
 * words are spelled, never what an option does. (The names are option_*: options_* is packet/'s.)
 */
#ifndef CMD_OPTIONS_H
#define CMD_OPTIONS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include "base/bytes.h"
#include "base/err.h"

/* Ids of a command's own lie between OPTION_OWN and OPTION_WORD. */
enum {
	OPTION_REFUSED = -2, /* a row that only says, in `instead`, what does it here */
	OPTION_BAD = -1,
	OPTION_END = 0,
	/* what commands have alike: option_parse, outputs_take */
	OPTION_HELP,
	OPTION_FORMAT,
	OPTION_OUTPUT,
	OPTION_OUTPUT_JSON,
	OPTION_OUTPUT_XML,
	OPTION_OUTPUT_CSV,
	OPTION_COLOR,
	OPTION_USER, /* whom to become: cmd_find_user */
	OPTION_OWN,
	OPTION_WORD = 1000,
};

struct option_row {
	const char *name;    /* long, without its dashes; NULL */
	const char *letters; /* "ie": -i and -e, the first is shown; NULL */
	const char *tokens;  /* exact words, separated by one space: "-iL"; NULL */
	const char *arg;     /* the argument's word; NULL for a flag */
	const char *group;   /* heading in --help */
	const char *help;
	int id;
	const char *value;   /* what a flag stands for: -sS is --probe syn; NULL */
	const char *instead; /* refused: the option that does it; else: added where the argument is
				missing */
	unsigned only;	     /* bits of the tables that have this row; 0: all of them */
};

/* Columns: long, letters, tokens, argument, group, help, id; the second of rows in some tables. */
#define OPTION_ROW(...)                                                                            \
	{                                                                                          \
		__VA_ARGS__, NULL, NULL, 0                                                         \
	}
#define OPTION_ROW_OF(tables, ...)                                                                 \
	{                                                                                          \
		__VA_ARGS__, NULL, NULL, tables                                                    \
	}
#define OPTION_INSTEAD(tokens, instead)                                                            \
	{                                                                                          \
		NULL, NULL, tokens, NULL, NULL, NULL, OPTION_REFUSED, NULL, instead, 0             \
	}

struct option_table {
	const char *command;  /* "scan" */
	const char *synopsis; /* "TARGET... [options]" */
	const char *question; /* one line: what it answers */
	const struct option_row *rows;
	size_t n;
	unsigned bit;	       /* of rows' `only`: several commands share one array of rows */
	void (*more)(FILE *f); /* --help: what stands between the question and the options; NULL */
};

/* Where the walk over argv stands. Begin with option_begin; all is borrowed. */
struct option_walk {
	const struct option_table *table;
	int argc, i;
	char **argv;
	const char *cluster; /* the rest of "-4n", or NULL */
	bool words_only;     /* after "--" */
	char said[64];	     /* the option as the user spelled it: "-T" */
};

void option_begin(struct option_walk *w, const struct option_table *t, int argc, char **argv);
/*
 * The next option's id, OPTION_WORD for a word that is none, OPTION_END, or OPTION_BAD with `e`.
 * `value` is the argument, the row's own value, the word, or NULL.
 */
int option_next(struct option_walk *w, const char **value, struct err *e);
/* --help from the table, grouped and aligned. */
void option_help(FILE *f, const struct option_table *t);

/* One option, or a word; -1 with `e`. */
typedef int option_take(void *ctx, int id, const char *said, const char *value, struct err *e);
/* All of a command line, up to what `take` refuses. 0; 1 where --help was asked for and printed; -1
 * with `e`. */
int option_parse(const struct option_table *t, int argc, char **argv, option_take *take, void *ctx,
		 struct err *e);

/* Values. Each returns -1 with one line in `e` that names `said`, the value, and what is taken. */
int option_number(const char *said, const char *value, uint64_t min, uint64_t max, uint64_t *out,
		  struct err *e); /* decimal or 0x */
int option_duration(const char *said, const char *value, uint64_t *ns, struct err *e); /* above 0 */
int option_choice(const char *said, const char *value, const char *const *words, size_t n, int *out,
		  struct err *e);
/* "12.5" without sign or exponent; what follows it, or NULL where no number stands there. */
const char *option_decimal(const char *text, double *out);
/* The next item of a comma list, cut to `cap`; false at the end. "a,,b" has an empty item. */
bool option_item(const char **list, char *item, size_t cap);
/* Puts `n` names behind each other: "a, b, c". */
void option_put_names(struct text *t, size_t n, const char *(*name)(size_t i));

/* `text` broken at spaces into lines of `width`, each but the first after `indent` spaces. */
void option_put_wrapped(FILE *f, const char *text, size_t indent, size_t width);

#endif
