/*
 * out: text on its way to a FILE. A string that grows, so that a line is whole before it is
 * written, and a writer that remembers the first failure and stays silent after it.
 */
#ifndef REPORT_OUT_H
#define REPORT_OUT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include "base/err.h"

/* Zero-initialised is empty. `failed`: memory ran out, and the text has a gap. */
struct string {
	char *s;
	size_t len, cap;
	bool failed;
};

void string_put_more(struct string *t, const char *s, size_t len); /* where there is no room */

static inline void string_put(struct string *t, const char *s, size_t len)
{
	if (t->cap - t->len <= len || t->failed) {
		string_put_more(t, s, len);
		return;
	}
	memcpy(t->s + t->len, s, len);
	t->len += len;
	t->s[t->len] = '\0';
}

static inline void string_put_text(struct string *t, const char *s)
{
	string_put(t, s, strlen(s));
}

void string_pad(struct string *t, size_t n); /* so many blanks */
void string_putf(struct string *t, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
void string_put_u64(struct string *t, uint64_t n);
const char *string_text(const struct string *t); /* "" where empty */
void string_clear(struct string *t);
void string_free(struct string *t);

struct out {
	FILE *f;    /* borrowed */
	int errnum; /* of the first failed write, 0 while all went well */
};

/* One fwrite; nothing after a failure, so that no later line hides the gap. */
void out_write(struct out *o, const char *s, size_t len);
/* Writes the string and empties it. */
void out_string(struct out *o, struct string *t);
void out_flush(struct out *o);
void out_no_memory(struct out *o);
/* Flushes; -1 and "cannot write <what>: <cause>" where anything was lost. */
int out_finish(struct out *o, const char *what, struct err *e);

#endif
