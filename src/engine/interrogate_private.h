/* interrogate_private: what its two halves share: interrogate (answers, ports, the end) and
 * interrogate_ask (what to ask next). */
#ifndef ENGINE_INTERROGATE_PRIVATE_H
#define ENGINE_INTERROGATE_PRIVATE_H

#include "engine/interrogate.h"
#include "judge/rfc9293.h"

enum {
	TRIES = 3,	/* before silence is believed */
	TRIES_MORE = 5, /* where a like segment was answered: loss, or a limit */
	TRIES_IDLE = 2, /* where silence is what the RFC asks for, and nothing hangs on it */
	RST_FEW = 8,	/* answers before a limit is suspected */
	RST_AGAIN = 3,	/* of which so many came only when asked again */
	SLOW_MAX = 2,
};

enum tag_kind { TAG_FIND, TAG_CELL, TAG_CONTROL };

struct item {
	uint8_t sent;
	bool flying, over; /* over: nothing more to ask */
	uint64_t last_ns;
};

struct find {
	struct item it;
	struct stack_port at;
};

/* What became of the conversations that lead to one state of the peer. */
struct road {
	uint8_t ok, failed, closed, died; /* talks that ended so */
	uint8_t why;			  /* enum cell_why: no use in going on */
};

struct interrogation {
	struct interrogate_config c;
	struct stack_facts f;
	struct find *finds; /* canaries, known closed ones, candidates */
	size_t n_finds, first_candidate;
	struct item cells[BATTERY_MAX];
	struct road roads[IN_STATES];
	struct item control;
	bool controlling, controlled, proxied, closed_silent;
	bool lossy; /* something was answered only when asked again */
	unsigned flying, conns, slow, asked_since, rst_seen, rst_again;
	uint64_t first_ns, heard_ns; /* the first question, the last answer; 0: none yet */
	enum run_end end;
};

static inline bool interrogate_is_stray(enum tcp_state s)
{
	return s == IN_LISTEN || s == IN_CLOSED;
}

static inline bool interrogate_accepts(const struct exchange *x)
{
	return exchange_answered(x) && x->reaction == REACTION_SYN_ACK && x->fit == FIT_EXACT;
}

/* Every canary has had its answer, or its tries. */
bool interrogate_canaries_over(const struct interrogation *i);
/* Tries before the silence of a port taken for closed is believed: more where another one resets.
 */
unsigned interrogate_tries_of_canary(const struct interrogation *i);
/* The closed port keeps silent, or is rejected, whatever it was asked so far. */
bool interrogate_closed_is_deaf(const struct interrogation *i);
/* script_program.next */
bool interrogate_next(void *ctx, uint64_t now, struct talk_wish *out, uint64_t *again, bool *over);

#endif
