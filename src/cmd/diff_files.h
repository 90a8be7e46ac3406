/*
 * diff_files: from the words of a command line to the files that together are one result: a file,
 * several, or all of a directory; and what to call it. It reads no record.
 */
#ifndef CMD_DIFF_FILES_H
#define CMD_DIFF_FILES_H

#include <stddef.h>
#include <stdio.h>

#include "base/err.h"
#include "cmd/outputs.h"

/* Zero-initialised is empty. */
struct diff_files {
	char *name; /* "mon.json", "mon-1.json and 7 more" */
	char **v;   /* sorted by name where they are of a directory; "-" is stdin */
	size_t n, cap;
	FILE **in; /* open, or NULL: its reader has it */
};

/* -1 with `e`: no such directory, or none of its files is a result. */
int diff_files_find(struct diff_files *f, const char *const *words, size_t n, struct err *e);
/* All of them, so that nothing has to be opened later; reads nothing. */
int diff_files_open(struct diff_files *f, struct err *e);
void diff_files_free(struct diff_files *f);

/* Names as headings: without directories and .json, where all of them still differ. */
int diff_files_shorten(char **const *names, size_t n, struct err *e);

/* -1 with `e` where an output is one of the files. */
int diff_files_check(const struct diff_files *f, const struct outputs *out, struct err *e);

#endif
