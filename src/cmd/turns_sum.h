/*
 * turns_sum: what runs of the engine's turns add up to: the summary, what is left of the deadline,
 * the progress, and whether to go on to the next. `stack` has one such run, `trace` and `provoke`
 * one for each aim.
 */
#ifndef CMD_TURNS_SUM_H
#define CMD_TURNS_SUM_H

#include "cmd/aims.h"
#include "engine/turns.h"

/* Adds a run to a summary; the first thing that went wrong stays the cause. */
void turns_add_up(struct summary_record *sum, const struct turns_stats *s);
/* "3 hosts could not be asked": n, what (of one), says. Nothing where n is 0. */
void turns_blame(struct summary_record *sum, uint64_t n, const char *what, const char *says);

/* Several, one after the other. Zeroed before turns_sum_begin. */
struct turns_sum {
	struct run *run;
	const struct aims *aims;
	struct summary_record sum;
	uint64_t began_ns;
	size_t done;  /* aims */
	bool last_up; /* the host of the last was heard */
};

void turns_sum_begin(struct turns_sum *s, struct run *r, const struct aims *aims);
/* For the next run: the seed, the rest of the deadline, the evidence of -w. */
struct turns_config turns_sum_config(const struct turns_sum *s);
/* For a progress line; `eta_ns` 0: not known. */
void turns_sum_progress(const struct turns_sum *s, const char *doing, uint64_t sent,
			uint64_t eta_ns, bool asked);
/* The run for the next aim is over; `up`: its host was heard. */
void turns_sum_add(struct turns_sum *s, const struct turns_stats *stats, bool up);
/* Is another aim left, and time for it, and nothing that ended all? */
bool turns_sum_goes_on(struct turns_sum *s);
/* Tells the summary; keeps the status. */
void turns_sum_end(struct turns_sum *s);

#endif
