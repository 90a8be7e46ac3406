/*
 * repeat: tries a few (address, port) pairs again and again, at an interval, and tells each try as
 * it ends. A try is one segment of each kind, never sent again: loss is what is measured. It
 * decides which try a reply belongs to; what it means is judge/verdict's.
 */
#ifndef ENGINE_REPEAT_H
#define ENGINE_REPEAT_H

#include "engine/probing.h"
#include "engine/turns.h"
#include "judge/record.h"

enum {
	REPEAT_PAIRS_MAX = 64,
	REPEAT_PORTS_MAX = 128,	   /* source ports; then they come round again */
	REPEAT_FLYING_MAX = 1000,  /* tries of a pair that may wait for their answers at once */
	REPEAT_LEAST_NS = 1000000, /* of an interval */
};

struct repeat_pair {
	struct addr addr;
	const char *name; /* as the user typed it, or NULL */
	uint16_t port;
	uint16_t path; /* index into wire.paths */
};

struct repeat_config {
	const struct repeat_pair *pairs;
	size_t n_pairs; /* 1 .. REPEAT_PAIRS_MAX */
	const struct probe *const *kinds;
	size_t n_kinds;
	struct probe_wish wish;
	uint64_t count, interval_ns; /* interval: REPEAT_LEAST_NS at least */
	uint64_t wait_ns;     /* for an answer; at most REPEAT_FLYING_MAX intervals, or `count` */
	uint16_t sport_first; /* held: n_sports of them */
	unsigned n_sports;    /* repeat_sports, or 1 for all (-g) */
	uint64_t (*wall_ns)(uint64_t mono_ns); /* of a time of the wire's; NULL: not told */
	/* Asked for, or now and then: how many tries are over. May be NULL. */
	void (*progress)(void *ctx, uint64_t over, uint64_t of, bool asked);
	void *progress_ctx;
};

/* How many consecutive source ports so many tries take: each another one, until they come round. */
unsigned repeat_sports(size_t n_kinds, uint64_t count);

/*
 * Runs to the end, also where it is cut short: each try is told when it ends, then what all of each
 * pair come to. What still flies when the run is interrupted is neither told nor counted. Fills the
 * hosts, states, loss and duplicates of `sum`; what turns counts is in `stats`. -1 and `e` only
 * where memory or libnet fails at the start.
 */
int repeat_run(const struct repeat_config *c, const struct turns_config *t, struct wire *w,
	       const struct record_sink *sink, struct summary_record *sum,
	       struct turns_stats *stats, struct err *e);

#endif
