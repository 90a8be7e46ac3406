/*
 * checks: checks that wait until the end, for formats that must know their number first or tell
 * failures before all else. What lines have in common is kept once.
 */
#ifndef REPORT_CHECKS_H
#define REPORT_CHECKS_H

#include "report/out.h"
#include "report/report.h"

/* Zero-initialised is empty. */
struct checks {
	struct kept_check *v;
	size_t n, cap;
	struct kept_line *lines;
	size_t n_lines, cap_lines;
	struct port_span *spans;
	size_t n_spans, cap_spans;
	struct string words;
	size_t name; /* of the last, whose next one is mostly the same */
};

/* False where memory is out. */
bool checks_add(struct checks *k, const struct check_record *c);
/* Good until the next checks_add. */
struct check_record checks_at(const struct checks *k, size_t i);
/* Is `c` of the same line of the policy as the last that was added? */
bool checks_same_line(const struct checks *k, const struct check_record *c);
/* Ports of one line and address of which the same is to be said become one check, where they are
 * `least` or more. Afterwards nothing is added. False where memory is out. */
bool checks_fold(struct checks *k, size_t least);
void checks_free(struct checks *k);

#endif
