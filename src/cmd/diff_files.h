/*
 * diff_files: from the words of a command line to the files that together are one result: a file,
 * several, or all of a directory; what to call it, and opening it. It reads no record.
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
	int *fds;   /* of those that are open and not taken; -1 else */
	size_t n, cap, cap_fds;
};

/* -1 with `e`: no such directory, or none of its files is a result. */
int diff_files_find(struct diff_files *f, const char *const *words, size_t n, struct err *e);
void diff_files_free(struct diff_files *f);

/* All of them. -1 with `e`: one can't be read. */
int diff_files_open(struct diff_files *f, struct err *e);
/* The file of that number, the caller's from now on; NULL: no memory. */
FILE *diff_files_take(struct diff_files *f, size_t i);

/* Names as headings: without directories and .json, where all of them still differ. */
int diff_files_shorten(char **const *names, size_t n, struct err *e);

/* -1 with `e` where an output is one of the files. */
int diff_files_check(const struct diff_files *f, const struct outputs *out, struct err *e);

#endif
