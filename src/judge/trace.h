/*
 * trace: from what each TTL of a walk drew to who answered: the target, a box between two hops, or
 * nobody beyond a hop. The walk outranks the TTL that a RST arrives with, which injectors copy.
 * Pure; engine/walk fills the facts.
 *
 * Distances are counted as the TTL of a segment that just gets there: the first router is 1. A
 * router that forwards answers TTL n with time exceeded (RFC 1812, 5.3.1) and rejects from n + 1
 * on; one that rejects what comes in, before it looks at the TTL, does so from its own n on: hence
 * intervals.
 */
#ifndef JUDGE_TRACE_H
#define JUDGE_TRACE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "judge/exchange.h"
#include "judge/probe.h"
#include "judge/verdict.h"

enum {
	TRACE_TTL_MAX = 64,
	TRACE_FLOWS_MAX = 16,
	TRACE_WALKS_MAX = TRACE_FLOWS_MAX + 4,
	TRACE_CLUES_MAX = 12
};

/* What one TTL drew. A box that forges lets the segment go on, so that one TTL may draw a RST and
 * time exceeded, or a RST and the target's own answer: all are kept. */
struct trace_hop {
	uint8_t ttl;
	uint8_t tries;		/* 0: not asked */
	bool settled;		/* nothing more will be sent for it */
	bool expired;		/* `expiry` is there */
	bool replied;		/* `reply` is there */
	bool replied_otherwise; /* `other` is there */
	uint8_t resets;		/* RSTs to this TTL, of whatever form; capped */
	struct exchange expiry; /* time exceeded: from whom, when */
	struct exchange reply; /* the first that ends a way: SYN-ACK, RST, a rejecting ICMP, data */
	struct exchange other; /* the first reply with another reaction, or from another distance */
};

enum trace_role {
	WALK_MAIN,   /* what was asked for */
	WALK_OTHER,  /* the same port, by a segment of another class: ACK for SYN, SYN for others */
	WALK_CANARY, /* a SYN to a random high port of the target */
	WALK_INSIDE, /* copies of one data segment within a connection */
	WALK_ROLES,
};

struct trace_walk {
	enum trace_role role;
	uint16_t flow; /* of the user's: 0 .. flows - 1 */
	const struct probe *probe;
	uint16_t sport, dport;
	uint8_t first, last; /* the TTLs that were asked: hops[first] .. hops[last] */
	bool over;	     /* all that it wanted to ask was asked */
	bool limited;	     /* some routers were asked slowly: their ICMP limit */
	struct trace_hop hops[TRACE_TTL_MAX + 1]; /* by TTL */
};

/* In-connection mode: beside its WALK_INSIDE. */
struct trace_inside {
	bool wanted, connected;
	bool content;	   /* new octets, whose content matters; else one old octet */
	uint8_t reset_ttl; /* the copy that drew the connection's RST; 0: none did */
	bool confirmed;	   /* in a second connection one TTL less drew none, and this one did */
	bool unstable;	   /* it did not come out so, and not by a RST that came late */
	bool written;	   /* the octets themselves were sent by the kernel, at full TTL */
	/* what came to that: ACK, data, FIN, RST; none: silence. Not connected: the RST that came
	 * to the handshake's ACK, if one did */
	struct exchange service;
};

struct trace_facts {
	struct addr addr, src;
	uint16_t port;
	const struct probe *probe; /* of the main walks */
	uint8_t max_ttl;
	unsigned flows;
	size_t n_walks;
	struct trace_walk *walks; /* TRACE_WALKS_MAX; main walks first, by flow */
	struct trace_inside inside;
	bool stopped; /* the run ended before */
};

/* What the engine should walk next, so that the verdict is as firm as it can be; judged after each
 * walk. */
enum trace_want { WANT_NOTHING, WANT_OTHER, WANT_CANARY };
enum trace_want trace_wants(const struct trace_facts *f);

enum trace_end {
	TRACE_UNDECIDED, /* the run ended before */
	TRACE_OPEN,
	TRACE_RESET_BY_HOP,
	TRACE_RESET_BY_TARGET,
	TRACE_DROPPED_AFTER_HOP,
	TRACE_REJECTED_BY,
	TRACE_ENDS,
};
const char *trace_end_name(enum trace_end e); /* "open", "reset-by-hop", ...; "indeterminate" */

struct trace_verdict {
	enum trace_end end;
	/* Where the answer, or the silence, begins: not before between[0], at between[1] at the
	 * latest; equal where one hop is known. between[1] 0: no farther than the target. */
	bool has_between;
	uint8_t between[2];
	bool has_by;
	struct addr by; /* the router there, as far as one gave its name; the rejecting one */
	enum reaction reaction; /* the answer that decided; REACTION_NONE: silence */
	uint32_t rtt_us;	/* of it; UINT32_MAX: not known */
	enum origin origin;
	uint8_t n_clues;
	struct clue clues[TRACE_CLUES_MAX];
};

/* What a walk asked, for a clue: the class of its probe, and to which port. */
enum { ASKED_CLASS = 0x0f, ASKED_CANARY = 0x10, ASKED_INSIDE = 0x20 };
uint32_t trace_asked(const struct trace_walk *w);

/* One main walk, by its flow. */
void trace_judge_flow(const struct trace_facts *f, unsigned flow, struct trace_verdict *out);
/* All flows in one: the first, and a clue where they differ. */
void trace_judge(const struct trace_facts *f, struct trace_verdict *out);

/* The first TTL that drew a reply which ends a way; 0: none did. */
uint8_t trace_reply_ttl(const struct trace_walk *w);
/* The last TTL that drew time exceeded before it; 0: none did. */
uint8_t trace_last_heard(const struct trace_walk *w);

#endif
