/*
 * family: whose TCP is it? A table of points: how much likelier a family shows a value than the
 * average host does, as log2, rounded. Only the verdict and the rows that counted are given away;
 * IPv6 has no DF and no ID, so fewer rows count there.
 */
#ifndef JUDGE_FAMILY_H
#define JUDGE_FAMILY_H

#include <stddef.h>
#include <stdint.h>

enum stack_family {
	FAMILY_UNKNOWN,
	FAMILY_LINUX,
	FAMILY_WINDOWS,
	FAMILY_BSD,
	FAMILY_MACOS,
	FAMILY_SOLARIS,
	FAMILY_EMBEDDED,
	FAMILY_OTHER,
	FAMILIES,
};
const char *family_name(enum stack_family f);

enum confidence { CONFIDENCE_LOW, CONFIDENCE_MEDIUM, CONFIDENCE_HIGH };
const char *confidence_name(enum confidence c);

/* One row of the table. */
struct stack_evidence {
	const char *what, *value; /* static: "ack_rst", "R ack=0" */
	int8_t points[FAMILIES];  /* 0 for FAMILY_UNKNOWN */
};
extern const struct stack_evidence family_rows[];
extern const size_t family_row_count;

enum { EVIDENCE_MAX = 16 };
struct family_sum {
	int sum[FAMILIES]; /* with the prior */
	struct stack_evidence evidence[EVIDENCE_MAX];
	size_t n;
};
void family_begin(struct family_sum *s);
/* Adds the row; a value that the table does not know adds nothing. */
void family_add(struct family_sum *s, const char *what, const char *value);
/* The highest sum; its margin to the best of another group ({bsd, macos} and {embedded, other} are
 * one each) gives the confidence; fewer than two rows, or no margin, are FAMILY_UNKNOWN. */
enum stack_family family_decide(const struct family_sum *s, enum confidence *c,
				enum stack_family *runner_up);

#endif
