/*
 * pace: how fast a run sends in all. A token bucket of at most 1 ms of the rate, so the pace is
 * even. With `auto` the rate doubles while answers keep up and backs off by a factor when they fall
 * behind, never to one: signs of loss are answers that only retries drew, canaries that kept
 * silent, frames that the capture dropped, and buffers that were full. It is told the time and
 * never asks for it.
 */
#ifndef ENGINE_PACE_H
#define ENGINE_PACE_H

#include <stdbool.h>
#include <stdint.h>

enum {
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

/* What was seen since the last tick. */
struct pace_seen {
	uint64_t answered;	   /* first answers to first tries */
	uint64_t retried_answered; /* first answers that only a later try drew */
	uint64_t canaries, canaries_lost;
	bool dropped; /* by the capture */
	bool no_room; /* ENOBUFS, EAGAIN */
};

/* rate: packets/s; 0 is auto, INFINITY as fast as it goes. `hosts` bounds the start of auto. */
void pace_init(struct pace *p, double rate, uint64_t hosts, uint64_t now_ns);
/* Packets that may leave now. Unlimited: UINT32_MAX. */
unsigned pace_budget(struct pace *p, uint64_t now_ns);
void pace_spend(struct pace *p, unsigned n);
void pace_refund(struct pace *p, unsigned n);		   /* they did not leave after all */
uint64_t pace_next(const struct pace *p, uint64_t now_ns); /* when budget will be at least 1 */
void pace_limit(struct pace *p, double ceiling); /* auto stays at or below it, from now on */
/* Ends the epoch where one is over; cheap else, and keeps `seen` for it. `first_pass`: those asked
 * now are all targets, not only those that kept silent. */
void pace_tick(struct pace *p, uint64_t now_ns, uint64_t rtt_ns, bool first_pass,
	       const struct pace_seen *seen);

#endif
