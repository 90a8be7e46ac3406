/*
 * trace_private: what trace (the ends, the references), trace_reset (who reset) and trace_inside
 * (within a connection) share.
 */
#ifndef JUDGE_TRACE_PRIVATE_H
#define JUDGE_TRACE_PRIVATE_H

#include "judge/trace.h"

/* One question to the facts: what this walk's first answer means. */
struct look {
	const struct trace_facts *f;
	const struct trace_walk *w;
	uint8_t k;		  /* the first TTL that drew an answer; 0: none did */
	uint8_t low;		  /* the last TTL below it that surely drew none; 0: none did */
	const struct exchange *x; /* that answer; NULL: silence */
	struct trace_verdict *out;
};

void trace_clue(struct trace_verdict *out, enum clue_id id, uint32_t a, uint32_t b);
void trace_set_between(struct trace_verdict *out, uint8_t from, uint8_t to);
void trace_set_by(struct trace_verdict *out, const struct addr *by);

/* The i-th walk with which `w` can be compared: the references, and the SYN's of a connection. */
const struct trace_walk *trace_reference(const struct trace_facts *f, const struct trace_walk *w,
					 size_t i);
const struct trace_walk *trace_walk_of(const struct trace_facts *f, enum trace_role role);
const struct trace_hop *trace_hop_at(const struct trace_walk *w,
				     unsigned ttl); /* NULL: not asked */
/* The router that answered TTL `ttl` with time exceeded, in `w` or else in a reference; NULL. */
const struct exchange *trace_expiry_at(const struct look *l, unsigned ttl);
/* The first TTL above `ttl` that drew anything; 0: none did. */
uint8_t trace_heard_beyond(const struct trace_walk *w, unsigned ttl);
bool trace_was_silent(const struct trace_walk *w, unsigned ttl);
struct look trace_look(const struct trace_facts *f, const struct trace_walk *w,
		       struct trace_verdict *out);

/* Each fills l->out. */
void trace_judge_answer(struct look *l);
void trace_judge_reset(struct look *l);
void trace_judge_inside(struct look *l); /* l->w: the SYN's; its verdict is there */

/* The walk alone shows that the RST is not the target's. */
bool trace_reset_is_plain(const struct look *l);
/* What `r` asked gets beyond the TTL that drew the RST here. */
bool trace_goes_past(const struct look *l, const struct trace_walk *r);

#endif
