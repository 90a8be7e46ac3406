/*
 * walk: TTL walks to one port, as an actor of turns: many TTLs at once, the answer told by numbers
 * that are of that TTL alone, routers asked no faster than they may answer, silence asked again.
 * Which walks are wanted, and what they mean, judge/trace says.
 *
 * One flow is one 5-tuple, so that equal-cost paths show as one. The numbers go *down* with the
 * TTL (SEG.SEQ, and SEG.ACK with it): on a SYN-RECEIVED peer a later SYN then lies below the window
 * and draws an ACK (RFC 9293, 3.10.7.4, first), never a RST that would look like a closed port.
 */
#ifndef ENGINE_WALK_H
#define ENGINE_WALK_H

#include "engine/turns.h"
#include "judge/trace.h"
#include "packet/options.h"

enum {
	WALK_AHEAD = 16, /* TTLs under way at once, in a flow */
	WALK_BURST = 6,	 /* probes that expire at one TTL before ... */
	/* ... they come one by one: what Linux answers (icmp_ratelimit). Not where the whole burst
	 * drew nothing. */
	WALK_GAP_MS = 1000,
	WALK_PORTS_BESIDE = 8, /* source ports that references and confirmations take */
};

struct walk_config {
	struct addr dst;
	uint16_t path; /* index into wire.paths */
	uint16_t dport;
	/* Held: one for each flow, then WALK_PORTS_BESIDE. */
	uint16_t sport_first;
	const struct probe *probe;
	const uint8_t *data; /* the payload; NULL: the probe's own */
	uint16_t data_len;
	enum syn_layout syn_layout;
	unsigned flows;
	uint8_t first_ttl, max_ttl;
	unsigned tries;	     /* of a silent TTL; 0: 3 */
	uint64_t timeout_ns; /* the longest wait for an answer; 0: 1 s */
	/* Within a connection: the probe is walked first as a SYN, then a kernel socket connects,
	 * and copies of one segment go out beside it. With `data` it is new octets, one hop short
	 * of the target, and the kernel writes them in the end; without, one octet that the target
	 * has acknowledged already. */
	bool inside;
	/* A hop is settled, and all before it in its walk: in order of TTL. The first that replied
	 * is the last that is told, when the walk ends. May be NULL. */
	void (*hop)(void *ctx, const struct trace_walk *w, const struct trace_hop *h);
	void *hop_ctx;
	void (*progress)(void *ctx, uint64_t sent, bool asked);
	void *progress_ctx;
};

/* Fills `out`, whose walks the caller gives (TRACE_WALKS_MAX, zeroed). -1 and `e` only where memory
 * or libnet fails at the start; the rest is in stats. */
int walk_run(const struct walk_config *c, const struct turns_config *t, struct wire *w,
	     struct trace_facts *out, struct turns_stats *stats, struct err *e);

#endif
