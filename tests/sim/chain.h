/*
 * chain: a path of routers, boxes on them, and a target at its end, as a behaviour of the scripted
 * peer: time exceeded by TTL, some routers silent, an ICMP limit as Linux has it; the target's
 * half- open and established connections answer as Linux does.
 */
#ifndef TESTS_SIM_CHAIN_H
#define TESTS_SIM_CHAIN_H

#include "sim/peer.h"

enum { CHAIN_MAX = 20, CHAIN_BOXES = 3, CHAIN_PORTS = 32, CHAIN_OPEN = 80 };
#define CHAIN_HOP_NS 1000000ULL /* there and back */

enum box_kind {
	BOX_NONE,
	BOX_REJECT, /* a RST, as nftables makes it */
	BOX_DROP,
	BOX_FORGE, /* a RST with the target's initial TTL; the segment goes on */
	BOX_ICMP,  /* administratively prohibited */
};
enum box_on { ON_ALL, ON_SYN, ON_ACK, ON_MATCH /* "forbidden" in the payload */ };

struct box {
	enum box_kind kind;
	uint8_t at; /* the router, from 1 */
	enum box_on on;
	bool ingress;	 /* before the TTL is looked at (PREROUTING), else as it forwards */
	bool numberless; /* RSTs with SEQ 0 and no ACK: nothing of ours in them */
	bool copies;	 /* IP ID and window of what drew it */
	uint8_t resets;	 /* at once, with stepped numbers; 0: 1 */
	uint8_t branch;	 /* only on this one of two equal-cost paths, 1 or 2; 0: both */
	uint64_t delay_ns;
};

enum chain_service { SERVICE_TAKES, SERVICE_ANSWERS, SERVICE_RESETS, SERVICE_CLOSES };
enum chain_state { CHAIN_LISTEN, CHAIN_SYN_RECEIVED, CHAIN_ESTABLISHED };

struct chain_conn {
	enum chain_state state;
	bool has_ts;
	uint32_t irs, iss, rcv_nxt, snd_nxt, ts_recent;
	uint64_t oow_ns; /* the last ACK to a segment out of the window */
};

struct chain_limit {
	uint64_t credit_ns, at_ns;
	bool used;
};

struct chain {
	unsigned n; /* routers; the target is at n + 1 */
	bool silent[CHAIN_MAX + 1];
	bool limited; /* routers answer 6, then one a second */
	/* two paths by source port, from router `fork` to router `join` */
	uint8_t fork, join;
	struct box boxes[CHAIN_BOXES];
	bool mute; /* the target answers nothing */
	enum chain_service service;
	uint32_t seq_add; /* a box before the first router changes SEG.SEQ so */
	struct chain_limit limit[CHAIN_MAX + 1][2]; /* by branch */
	struct chain_conn conns[CHAIN_PORTS];
	/* what was seen */
	unsigned n_expired[CHAIN_MAX + 1]; /* whether answered or not */
	unsigned n_withheld;		   /* time exceeded that the limit kept */
	unsigned n_ts_ahead;		   /* time stamps ahead of our kernel's own */
	unsigned n_new_octets;		   /* that the target took */
	unsigned n_killed;		   /* connections that a RST of ours ended */
	unsigned n_window_hits;		   /* SYNs within a half-open connection's window */
};

void chain_init(struct chain *c, unsigned routers);
peer_fn chain_answer; /* peer.ctx is the chain */
struct addr chain_router(const struct chain *c, unsigned at, uint16_t sport, uint8_t family);
/* The connections at the target that are not in LISTEN. */
unsigned chain_conns(const struct chain *c);

#endif
