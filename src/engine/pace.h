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
	PACE_COHORTS = 4,
	PACE_BINS = 36, /* rates that are told apart: half octaves from 500/s on */
};

/* What was seen since the last tick. */
struct pace_seen {
	uint64_t answered;	   /* first answers to first tries */
	uint64_t retried_answered; /* first answers that only a later try drew */
	uint64_t canaries, canaries_lost;
	bool dropped;	 /* by the capture */
	uint64_t lag_ns; /* answers that came within so long ago may still be unread */
	bool no_room;	 /* ENOBUFS, EAGAIN */
};

struct pace {
	bool automatic, unlimited;
	double rate;	/* packets/s now */
	double floor;	/* auto never goes below */
	double ceiling; /* nor above */
	double credit;
	uint64_t credit_ns; /* when credit was last reckoned */
	/* private, of auto: */
	double start;	   /* where it began, and where it stays without an answer */
	bool settled;	   /* it has backed off once, and grows by small steps */
	uint64_t epoch_ns; /* when the running epoch began */
	uint64_t cut_ns;   /* the last decrease: what was sent before takes no more off */
	/* canaries whose time was over since then, and since the last step up or down */
	uint64_t cut_canaries, step_canaries;
	/* first tries by the epoch they left in: the running one, and those before, latest first */
	struct pace_cohort {
		uint64_t from_ns, end_ns, sent, answered;
		bool firsts; /* all of the first pass */
		bool judged;
	} cohorts[PACE_COHORTS];
	struct pace_seen seen; /* in the running epoch */
	uint64_t answered, retried;
	bool retried_heeded;
	/* by the rate of sending */
	struct pace_bin {
		double asked, answered;	  /* first tries */
		double canaries, carried; /* and those of them that answered */
	} bins[PACE_BINS];
};

/* rate: packets/s; 0 is auto, INFINITY as fast as it goes. `hosts` bounds the start of auto. */
void pace_init(struct pace *p, double rate, uint64_t hosts, uint64_t now_ns);
/* Packets that may leave now. Unlimited: UINT32_MAX. */
unsigned pace_budget(struct pace *p, uint64_t now_ns);
void pace_spend(struct pace *p, unsigned n);		    /* they are due to leave */
void pace_left(struct pace *p, unsigned n, uint64_t at_ns); /* and have left */
void pace_refund(struct pace *p, unsigned n);		    /* they did not leave after all */
uint64_t pace_next(const struct pace *p, uint64_t now_ns);  /* when budget will be at least 1 */
void pace_limit(struct pace *p, double ceiling); /* auto stays at or below it, from now on */
/* A first answer to a first try that left at `sent_ns`, as its round-trip time tells. */
void pace_answered(struct pace *p, uint64_t sent_ns);
/* Ends the epoch where one is over; cheap else, and keeps `seen` for it. `first_pass`: those asked
 * now are all targets, not only those that kept silent. */
void pace_tick(struct pace *p, uint64_t now_ns, uint64_t rtt_ns, bool first_pass,
	       const struct pace_seen *seen);

#endif
