/*
 * provoke_bits: what is looked at in the facts of a scenario, as bits: between provoke_read, which
 * alone reads numbers, and the table of findings, which knows only these. Beside them what the
 * files of provoke share.
 */
#ifndef JUDGE_PROVOKE_BITS_H
#define JUDGE_PROVOKE_BITS_H

#include "judge/provoke.h"

enum provoke_bit {
	/* how it began and ended, of any scenario */
	SAW_OPEN, /* the service accepts: a handshake was done, or a SYN answered by a SYN-ACK */
	SAW_REFUSED,
	SAW_REJECTED,
	SAW_NO_ANSWER,
	SAW_NO_QUIET,
	SAW_FAILED,
	SAW_STOPPED, /* the run ended before */
	SAW_ENOUGH,  /* ... but what was seen till then decides */
	/* what came of its own, before anything was asked */
	SAW_FIN,
	SAW_RESET,
	SAW_KEEPALIVES,
	RESET_UNASKED, /* abort, challenge: so that the question never met what it was about */
	/* listen-ack */
	STRAY_RST_SOME,
	STRAY_RST_ALL,
	STRAY_REJECTED, /* by an ICMP error */
	STRAY_FROM_PATH,
	/* half-open */
	RETURN_ACCEPTED,
	RETURN_RST,
	RETURN_CHALLENGED,
	RETURN_YIELDED, /* after our RST the same SYN was accepted */
	/* early-close */
	ANSWER_SENT,
	ANSWER_LOST,
	ALL_TAKEN, /* it acknowledged all that we wrote */
	/* data-after-close */
	LATE_RST,
	LATE_TAKEN,
	/* abort, slow-handshake */
	OTHER_LIVES,
	OTHER_GONE,
	NEW_FAILS, /* a new connection was refused, or got no answer */
	SYN_ACK_REPEATS,
	SYN_ACK_AFTER_RST,
	SYN_ACK_ENDS, /* no more of them came, for far longer than between the last two */
	/* idle: how the shortest rest ended that was not survived */
	REST_FIN,
	REST_RST,
	REST_USE_RST,
	REST_USE_SILENT,
	/* lost-rst: the segments after the RST; where there was none, data once more */
	MORE_UNANSWERED,
	ON_RST_SOME,
	ON_RST_ALL,
	/* challenge */
	SYN_CHALLENGED,
	SYN_KILLS,
	NEAR_CHALLENGED,
	NEAR_KILLS,
	OLD_CHALLENGED,
	OLD_KILLS,
	EXACT_SURVIVED,
	STILL_ALIVE, /* the connection gave a sign of life after the last of these */
	PROVOKE_BITS,
};
_Static_assert((int)PROVOKE_BITS <= (int)PROVOKE_BITS_MAX, "they are one word");

#define BIT(b) (UINT64_C(1) << (b))

/* What a connection of `idle` tells. */
enum idle_end {
	IDLE_UNTOLD, /* nothing: not opened, or not used again yet */
	IDLE_LIVES,
	IDLE_ENDS_FIN, /* by itself */
	IDLE_ENDS_RST,
	IDLE_USE_RST, /* when it was used again */
	IDLE_USE_SILENT,
};
/* `*after_ns`: how long it lay idle till then, at most. */
enum idle_end provoke_idle_end(const struct line_facts *l, uint64_t *after_ns);
/* What f knows from the rounds before, and its lines: with them taken in twice it's the same. */
struct idle_known {
	uint64_t lives_ns, dies_ns;
	const struct line_facts *died; /* in f; NULL: none */
};
struct idle_known provoke_idle_known(const struct provoke_facts *f);

/* The exchange of a question, from the line that put it; NULL: it was not put. `*line` may be NULL.
 */
const struct exchange *provoke_asked(const struct provoke_facts *f, enum mark m,
				     const struct line_facts **line);
/* The connection of RESET_UNASKED; NULL: there is none. */
const struct line_facts *provoke_unasked(const struct provoke_facts *f);
/* Fills all of a verdict whose row is there. */
void provoke_tell(const struct provoke_facts *f, struct provoke_verdict *v);
static inline bool provoke_alive(const struct exchange *x)
{
	return x && (x->after == AFTER_ALIVE || x->after == AFTER_ACCEPTED);
}

#endif
