/*
 * journal: the JSON Lines of an earlier run, read back line by line. It knows what a line is and
 * what a file may end in; what the records mean for a run is resume's.
 */
#ifndef CMD_JOURNAL_H
#define CMD_JOURNAL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <json-c/json.h>

#include "base/err.h"
#include "report/member.h"

enum journal_type {
	JOURNAL_OTHER,
	JOURNAL_RUN,
	JOURNAL_PORT,
	JOURNAL_PORTS,
	JOURNAL_HOST,
	JOURNAL_WINDOW,
	/* of diff alone: */
	JOURNAL_COVERS,
	JOURNAL_STACK,
	JOURNAL_CHECK,
	JOURNAL_SUMMARY,
};

enum { JOURNAL_LINE_MAX = 64 << 20 };

/* Where the reading stands. Zero-initialised is closed. */
struct journal {
	FILE *f;
	const char *name; /* borrowed */
	unsigned long line;
	enum journal_type type;
	char *text; /* the line, with its newline */
	size_t len;
	bool cut;  /* at the end: the last line has no newline, and was left out */
	bool half; /* before this line stood half of another, which was left out */
	/* private: */
	size_t cap;
	json_tokener *tokener;
};

int journal_open(struct journal *j, const char *path, struct err *e);
/* The same of an open file that can be rewound; takes it. */
int journal_of(struct journal *j, FILE *f, const char *name, struct err *e);
void journal_close(struct journal *j);
/* 1: a line is there; 0: the end, or a last line that was cut off; -1 with `e`: what cannot be
 * read, or is no line of such a file. */
int journal_next(struct journal *j, struct err *e);
void journal_rewind(struct journal *j);

/* The line's object, the caller's to put; NULL with `e`. */
json_object *journal_parse(struct journal *j, struct err *e);
/* -1, and "FILE:LINE: what". */
int journal_bad(const struct journal *j, const char *what, struct err *e);

#endif
