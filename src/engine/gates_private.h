/*
 * gates_private: what gates.c (which gates there are, who may pass), gates_cap.c (what a gate may
 * get), gates_suspect.c (who rations RSTs) and gates_limit.c (how fast he is asked) share. Nobody
 * else includes it.
 *
 * All times here are the gates' own: they stand while nobody calls, but for a second, so that a
 * clock that jumps is none of their concern.
 */
#ifndef ENGINE_GATES_PRIVATE_H
#define ENGINE_GATES_PRIVATE_H

#include "engine/gates.h"

/* --- a cap --------------------------------------------------------------------------------------
 */

struct cap {
	double rate; /* packets/s; INFINITY where rates are the user's */
	/* a cohort of first tries: from, to (0: still open), and what came of it */
	uint64_t from_ns, end_ns;
	uint32_t sent, answered;
	float usual_sent, usual_answered; /* the reference, of those before */
	uint32_t srtt_us;
	bool heard, refused;
	uint8_t settled; /* cohorts yet that let it grow by a step only, after a loss */
};

void cap_init(struct cap *c, bool capped, uint64_t t);
/* Ends and judges the cohort where its time has come; `least`: what loss takes no rate below. */
void cap_tick(struct cap *c, uint64_t t, uint64_t lag_ns, double least);
void cap_sent(struct cap *c, uint64_t t);
void cap_answered(struct cap *c, uint64_t sent_ns, uint64_t rtt_ns);
/* Forgets the running cohort: what is asked from now on is not what was. */
void cap_restart(struct cap *c, uint64_t t);

/* --- a reset limit ------------------------------------------------------------------------------
 */

enum {
	LIMIT_RECENT = 8,
	LIMIT_FASTEST = 20000, /* RSTs/s: who sends more rations nothing, the way does */
};

/* A test in stages, each at a lower rate than the one before (gates_suspect.c). */
struct suspicion {
	uint8_t stage;
	bool front;	       /* the pass before drew RSTs at its beginning only */
	bool silent, heard;    /* since then; a group of probes, and thereafter a RST */
	float share;	       /* of the probes that draw one without a limiter, at most */
	float score;	       /* log likelihood of a limiter */
	float steady;	       /* RSTs/s of the pass before, where it was long; else 0 */
	float once;	       /* RSTs of the pass before, as if of one second */
	uint32_t asked, drawn; /* in this stage */
	uint64_t from_ns;      /* the limiter has had time to recover since */
	uint64_t begun_ns;     /* the stage */
};

enum limit_mode { LIMIT_NONE, LIMIT_TEST, LIMIT_ON };

struct limit {
	uint8_t mode, tests;
	bool doubling;	/* the rate, since it is on: the limit is not known yet */
	bool clumped;	/* RSTs come in clumps, as of who counts by the second */
	bool searching; /* almost no RST came, and the rate is raised blindly */
	bool struck;	/* RSTs came at the limit while searching */
	bool tight;  /* in this pass there was a moment at which the limiter had nothing to spare */
	bool trying; /* half as much again, for a window */
	uint8_t full;	     /* windows in which nothing was missing */
	uint8_t calm, flats; /* windows at the limit; raised, and nothing came of it */
	bool drained_last;   /* the one before */
	bool drained;	     /* nothing was saved up when the window began */
	bool raised;	     /* the rate, at the last window's end */
	/* this pass */
	uint32_t sent, rst, other;
	uint32_t unheeded;	    /* sent since the last RST */
	uint64_t first_ns, last_ns; /* sent */
	uint64_t rst_ns, gap_ns;    /* the last RST, and the longest time between two */
	uint64_t drew_ns;	    /* when the last probe left that drew a RST */
	float peak;		    /* RSTs/s, the most in a window of it */
	/* this run */
	uint32_t rsts;
	float fastest;	   /* packets/s of the pass that made us suspicious */
	uint64_t spent_ns; /* when the limiter last had nothing to spare */
	unsigned clean;
	uint32_t sent_before;			    /* in the pass before */
	uint32_t recent_us[LIMIT_RECENT], n_recent; /* the last RSTs of the pass */
	uint32_t rationed;			    /* RSTs in windows at the limit */
	uint64_t rationed_ns;
	/* the test, or the window of regulation */
	uint64_t from_ns, end_ns;
	uint32_t part_sent, part_rst, part_other;
	uint64_t heard_ns; /* the last RST since it is on */
	uint64_t on_ns;	   /* when it was found limited, and RSTs since */
	uint32_t on_rst;
	uint64_t clump_ns, clumps_ns;	/* the first clump's first RST; from there to the last's */
	uint8_t clumps, evens;		/* begun in this window; windows without */
	uint32_t clump_rst, clumps_rst; /* RSTs until then, and in between */
	struct suspicion suspicion;
	float rate, limit;     /* packets/s now; RSTs/s */
	float density;	       /* share of the probes that would draw a RST without a limit */
	float last_q, twice;   /* of the last window; what two in a row had, at most */
	float old_q, old_rate; /* before the rate was raised */
};

void limit_sent(struct limit *l, uint64_t t);
void limit_refund(struct limit *l);
void limit_answered(struct limit *l, bool rst, uint64_t t, uint64_t sent_ns);
/* Ends a test or a window where its time has come. */
void limit_tick(struct limit *l, uint64_t t, uint64_t rtt_ns);
/* RSTs/s, of one that is on. */
float limit_rate(const struct limit *l);
/* It is one that lets q RSTs/s through, at least, as `rsts` of them show. */
void limit_on(struct limit *l, float q, uint32_t rsts, uint64_t t);
void limit_set_rate(struct limit *l, float rate);
void limit_begin_part(struct limit *l, uint64_t t);
/* Judges the pass that is over, where anything was sent in it. */
void limit_begin_pass(struct limit *l, unsigned pass, uint64_t t);

/* Does what the pass before has shown want a test? Then it begins. */
void suspect_begin(struct limit *l, uint64_t t);
void suspect_tick(struct limit *l, uint64_t t, uint64_t rtt_ns);

static inline float per_s(uint32_t n, uint64_t ns)
{
	return (float)((double)n / (double)(ns ? ns : 1) * 1e9);
}

#endif
