/*
 * gates: what one host, and one /24 (IPv4) or /64 (IPv6), may get, and who rations its resets.
 *
 * Caps (rate auto): a host and a network begin at GATE_RATE packets/s and double per round trip
 * while at least 95 % of what is expected to answer does; who has never answered stays there. Loss
 * takes a factor off, never to one.
 *
 * Limits (every rate): a host whose RSTs come at one and the same rate whatever it is asked at has
 * a reset limit (FreeBSD 200/s, illumos 40/s, firewalls). It alone is slowed to a little above that
 * rate, so that the limiter is never idle, until nothing closed is missing.
 *
 * Bounded: probes are spread evenly over the run's indices, so whose share of them is below
 * GATE_SHARE can't get much, and has no gate. It is told the time and never asks for it; a clock
 * that stands still or jumps ahead must do no harm.
 */
#ifndef ENGINE_GATES_H
#define ENGINE_GATES_H

#include <stdbool.h>
#include <stdint.h>

#include "base/err.h"
#include "engine/space.h"

enum {
	GATE_RATE = 1000,   /* packets/s to who has not answered */
	GATE_SHARE = 50000, /* a gate for who has at least the 50,000th part of all indices */
};

struct gates;

/* `capped`: rate auto; else only limits count. NULL and `e`: out of memory. */
struct gates *gates_new(const struct space *s, bool capped, uint64_t now_ns, struct err *e);
/* Nobody asks for closed ports: limits are still told of, and slow nobody down. */
void gates_open_only(struct gates *g);
void gates_free(struct gates *g);

/* May a probe go to that point now? Then it is due to leave. */
bool gates_pass(struct gates *g, const struct point *at, uint64_t now_ns);
/* It has left, at at_ns, which may lie a little before the time of an earlier call. */
void gates_left(struct gates *g, const struct point *at, uint64_t at_ns);
/* Answers that came within the last lag_ns may still be unread. */
void gates_heard(struct gates *g, uint64_t lag_ns);
/* It could not be sent after all (no room, no neighbour yet). */
void gates_refund(struct gates *g, const struct point *at);
/* Nothing to the host (nor to what shares nothing with it) before `until_ns`. */
void gates_hold(struct gates *g, const struct point *at, uint64_t until_ns);
/* When one of the gates that refused will let something through: at least now + 1. UINT64_MAX where
 * none has refused. */
uint64_t gates_next(const struct gates *g, uint64_t now_ns);

/*
 * A first decisive answer of a slot; `rst`: a RST, which a limiter may ration; `rtt_ns` 0: unknown.
 * now_ns: when it came, which may lie a little before the time of an earlier call.
 */
void gates_answered(struct gates *g, const struct point *at, bool rst, uint64_t rtt_ns,
		    uint64_t now_ns);

/*
 * A pass begins (0 the first of a window), for all hosts. A gate knows what it let through and what
 * came: hosts that look limited are tried at a lower rate in this pass.
 */
void gates_begin_pass(struct gates *g, unsigned pass, uint64_t now_ns);

/* What is known of the host's resets. */
struct gate_limit {
	bool limited;
	uint32_t rate; /* RSTs/s, measured; 0 where not limited */
	/* passes of this window that are over and in which the limiter had room to spare, so that
	 * silence counts */
	unsigned clean;
};
struct gate_limit gates_limit(const struct gates *g, const struct point *at);
bool gates_any_limited(const struct gates *g);

#endif
