/*
 * siblings: the replies of one host's ports, counted by the hops that they came, so that a RST of
 * one port can be held against them: from which distance the host speaks, how fast it can answer.
 * It knows no port by itself. Its signs are judged by judge/origin.
 */
#ifndef JUDGE_SIBLINGS_H
#define JUDGE_SIBLINGS_H

#include "judge/verdict.h"

enum { SIBLING_HOPS = 128 }; /* as many as exchange_hops can tell */

struct siblings {
	uint32_t syn_acks[SIBLING_HOPS], rsts[SIBLING_HOPS];
	uint32_t n_syn_acks, n_rsts;
	uint32_t least_rtt_us; /* of SYN-ACKs; 0: not known */
};

/* What came from the host itself, and carries our numbers, is taken in; all else is not. */
void siblings_add(struct siblings *s, const struct reply *r);

/*
 * Holds `rst`, whose `signs` may be known already (SIGN_*_ECHO, SIGN_GOES_ON, SIGN_LOCAL), against
 * its siblings, and names its origin in the verdict that it decides: the clues, and for a closed
 * port the reason. Unlike a sign, a box that is only possible is not named.
 */
void siblings_judge(const struct siblings *s, const struct reply *rst, uint32_t signs,
		    struct verdict *v);

/* Did a box send this RST, likely? For who has a verdict that rests on something else. */
bool siblings_disown(const struct siblings *s, const struct reply *rst, uint32_t signs);

#endif
