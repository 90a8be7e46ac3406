/*
 * canary: targets that have answered are asked again now and then. While a pass asks only what has
 * kept silent so far, they alone tell whether the path still carries answers at this rate.
 */
#ifndef ENGINE_CANARY_H
#define ENGINE_CANARY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { CANARY_EVERY = 1000, CANARIES = 64 };

struct canary {
	uint64_t known[CANARIES]; /* slots or indices that answered, the caller's numbers */
	unsigned n_known, next_known;
	uint64_t learnt; /* how many answers, of which `known` is a sample */
	struct canary_flight {
		uint64_t what, at_ns;
	} flying[CANARIES];
	unsigned n_flying;
	uint64_t since;		/* probes since the last canary */
	uint64_t asked, silent; /* of those whose time is over, since canary_take */
};

/* A target has answered: one of those that may be asked again (a sample, spread over the run). */
void canary_learn(struct canary *c, uint64_t what);
/* `n` probes have left. */
void canary_count(struct canary *c, unsigned n);
/* Is one due? Then `*what` is to be asked again, now. */
bool canary_due(struct canary *c, uint64_t now_ns, uint64_t *what);
/* It answered; false where it wasn't asked, or too late. */
bool canary_answered(struct canary *c, uint64_t what);
/* Those asked longer ago than the RTO are lost. */
void canary_tick(struct canary *c, uint64_t now_ns, uint64_t rto_ns);
/* How many were asked and lost since the last call. */
void canary_take(struct canary *c, uint64_t *asked, uint64_t *lost);

#endif
