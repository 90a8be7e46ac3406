/*
 * audited: what an audit may have told, made by hand: demands, what was seen of ports, and checks
 * of both, for the tests of whoever writes them down.
 */
#ifndef TESTS_UNIT_AUDITED_H
#define TESTS_UNIT_AUDITED_H

#include "report/report.h"
#include "paper.h"

enum { AUDITED_MAX = 16, AUDITED_TODAY = 20000 }; /* 2024-10-04 */

struct audited {
	struct run_info run;
	struct report_style style;
	struct addr addr[6], gateway; /* 192.0.2.7 ..., 192.0.2.1 */
	struct expectation open, closed, within, listen_rst, style_rst, not_open;
	struct measure is_open, is_closed, is_silent, is_rejected, is_late, is_mute, is_two,
	    is_unasked;
	struct port_span spans[3]; /* 20-25,80,1000-1112: 120 ports */
	struct check_record v[AUDITED_MAX];
	size_t n;
	struct audit_counts counts;
	struct summary_record sum;
	struct paper paper;
};

/* Demands and measures; no check yet. */
void audited_init(struct audited *a);
/* One more check, by hand; its line is its number. */
struct check_record *audited_add(struct audited *a, const struct expectation *x,
				 const struct measure *seen, enum check_outcome o);
/* A check of each kind: failed, undecided, passed. */
void audited_fill(struct audited *a);
/* From nothing: of a filled one the checks at `which` alone, none of them before its new place. */
void audited_pick(struct audited *a, const size_t *which, size_t n);
/* A report with all checks and, where `summed`, the summary. The text is the caller's to free. */
char *audited_write(struct audited *a, paper_new_fn *make, bool summed);
/* The same, compared and freed. */
void audited_is(struct audited *a, paper_new_fn *make, bool summed, const char *want);

#endif
