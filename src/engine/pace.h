/*
 * pace: when the next probe may leave. A token bucket of at most 1 ms of the rate, so the pace is
 * even; with `auto` the rate doubles while answers keep up and backs off by a factor when they
 * fall behind, never to one. It is told the time and never asks for it.
 */
#ifndef ENGINE_PACE_H
#define ENGINE_PACE_H

#include <stdbool.h>
#include <stdint.h>

enum {
	PACE_BATCH = 64,	  /* packets handed out at once, at most */
	PACE_HOST_RATE = 1000,	  /* packets/s a host that has not answered may get, auto */
	PACE_SILENT_RATE = 10000, /* packets/s in all while answers tell nothing, auto */
};

struct pace {
	bool automatic, unlimited;
	double rate;	/* packets/s now */
	double floor;	/* auto never goes below */
	double ceiling; /* nor above */
	double credit;
	uint64_t credit_ns; /* when credit was last reckoned */
	/* the running epoch of auto */
	uint64_t epoch_ns, epoch_sent, epoch_answered, before_sent, answered;
	double reference; /* share of probes answered while nothing was lost, slowly forgotten */
};

/* rate: packets/s; 0 is auto, INFINITY as fast as it goes. `hosts` bounds the start of auto. */
void pace_init(struct pace *p, double rate, uint64_t hosts, uint64_t now_ns);
unsigned pace_budget(struct pace *p,
		     uint64_t now_ns); /* packets that may leave now, 0 .. PACE_BATCH */
void pace_spend(struct pace *p, unsigned n);
uint64_t pace_next(const struct pace *p, uint64_t now_ns); /* when budget will be at least 1 */
void pace_answered(struct pace *p);			   /* a first answer to a first try */
void pace_limit(struct pace *p, double ceiling); /* auto stays at or below it, from now on */
/* Ends the epoch where one is over; `lost`: the capture dropped frames or sending failed in it. */
void pace_tick(struct pace *p, uint64_t now_ns, uint64_t rtt_ns, bool lost);
/* A pass begins; `loss` of the round trip so far (< 0: not known). */
void pace_pass(struct pace *p, double loss);

#endif
