/*
 * tries: what many tries of one port come to: how many were answered, which states, and how the
 * round trips are spread. Pure; who made them, and when, it doesn't know.
 */
#ifndef JUDGE_TRIES_H
#define JUDGE_TRIES_H

#include <stddef.h>
#include <stdint.h>

#include "judge/record.h"

/* Round trips that are kept; of more, a sample of so many, each as likely to be in it. */
enum { TRIES_KEPT_MAX = 1 << 20 };

/* Zero-initialised: none yet. */
struct tries {
	uint64_t made, answered, late, counts[PORT_STATES], rtts;
	uint32_t min_us, max_us;
	double mean_us, squares; /* of the distances from the mean, by Welford's running sums */
	uint32_t *kept;
	size_t n_kept, cap;
};

/* One more; rtt_us UINT32_MAX: none. Where memory is short, fewer are kept. */
void tries_add(struct tries *t, enum port_state state, bool answered, uint32_t rtt_us);
/* Fills the numbers of `out`; orders what is kept. Percentiles are round trips that were: the
 * least that so many of a hundred do not exceed. */
void tries_sum_up(struct tries *t, struct tries_record *out);
void tries_free(struct tries *t);

#endif
