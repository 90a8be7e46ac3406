/*
 * trace_words: what a walk found, as a colleague would say it. Pure text; what it means was judged
 * before.
 */
#ifndef REPORT_TRACE_WORDS_H
#define REPORT_TRACE_WORDS_H

#include "base/bytes.h"
#include "judge/record.h"
#include "report/report.h"

enum { TRACE_WORDS_MAX = 512 }; /* bytes that any sentence here fits in */

/* "SYN", "ACK", "finack"; "data", of the copies within a connection */
void trace_words_probe(struct text *t, const struct trace_walk *w);
/* "SYN-ACK (target)", "RST (in the target's name)", "ICMP admin-prohibited" */
void trace_words_answer(struct text *t, const struct exchange *x, const struct addr *target);
/* The verdict of all, or of one flow, as a sentence without the word of the verdict. */
void trace_words_verdict(struct text *t, const struct run_info *run, const struct trace_facts *f,
			 const struct trace_verdict *v);
/* The clues of a walk that need more than a template; nothing for others. */
void trace_words_clue(struct text *t, const struct clue *c);

#endif
