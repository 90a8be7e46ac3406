/*
 * stack_words: what `stack` found, as a colleague would say it: the answer in a cell, the three
 * sentences, the remarks. Pure text from a record; where it stands on the page is text_stack's.
 */
#ifndef REPORT_STACK_WORDS_H
#define REPORT_STACK_WORDS_H

#include "base/bytes.h"
#include "judge/record.h"

enum { STACK_WORDS_MAX = 1024 }; /* bytes that any sentence here fits in */

/* "RST seq=ack", "RST,ACK ack=seq+1", "SYN-ACK", "ICMP admin"; "-" for silence, "" where the cell
 * was not asked. `brief`: without the numbers. */
void stack_words_answer(struct text *t, const struct exchange *x, bool brief);
/* What is left of a connection: "alive", "gone", "taken" (the octets); "" where it is not known. */
const char *stack_words_after(const struct exchange *x);

/* The three sentences, each with its full stop; the last is empty behind a proxy. */
void stack_words_style(struct text *t, const struct stack_record *r);
void stack_words_family(struct text *t, const struct stack_record *r);
void stack_words_rfc(struct text *t, const struct stack_record *r);

/* What else must be known before that is believed, and no clue says. The i-th, false behind the
 * last; no full stop, as clues have none. */
bool stack_words_remark(struct text *t, const struct stack_record *r, unsigned i);

/* Does the clue say only what the sentences, or the lines below the tables, say already? */
bool stack_words_repeats(const struct stack_record *r, const struct clue *c);
/* Why the cell is not tested, as a clause. */
const char *stack_words_why(const struct cell_verdict *c);

/* "Linux" (stack_family.c, as stack_words_family) */
const char *stack_words_family_name(enum stack_family f);

/* Did anything come back but that the host is unreachable? */
bool stack_answered(const struct stack_facts *f);
/* Who said that the host is unreachable, where nobody else said anything; NULL else. */
const struct addr *stack_unreachable_from(const struct stack_facts *f);
/* The cell of (state, form); NULL where there is none. */
const struct cell_verdict *stack_cell(const struct stack_verdict *v, enum tcp_state s,
				      const char *form);
static inline bool stack_cell_is_stray(const struct cell_verdict *c)
{
	return c->cell->state == IN_LISTEN || c->cell->state == IN_CLOSED;
}

#endif
