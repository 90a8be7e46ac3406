/*
 * sweep: the stateless driver. It sends every probe kind to every index of the space in a permuted
 * order, passes over what has not answered, matches, keeps evidence only for what answered, and
 * gives verdicts window by window. It knows struct wire, never libpcap, libnet or a clock.
 */
#ifndef ENGINE_SWEEP_H
#define ENGINE_SWEEP_H

#include <stdbool.h>
#include <stdint.h>

#include "base/err.h"
#include "engine/probing.h"
#include "engine/space.h"
#include "judge/record.h"
#include "wire/wire.h"

enum { RETRIES_AUTO = -1, RETRIES_AUTO_MIN = 2, RETRIES_MAX = 20 };

/* What an earlier run of the same permutation has found out. All borrowed. */
struct sweep_known {
	/* Places that need nothing more, as whole windows: sorted, disjoint; last inclusive. */
	const struct place_range {
		uint64_t first, last;
	} * windows;
	size_t n_windows;
	const uint64_t *indices; /* of the space, sorted: these ports have their answer */
	size_t n_indices;
};

struct sweep_config {
	const struct space *space; /* routed */
	const struct probe *const *kinds;
	size_t n_kinds; /* 1 .. PROBE_KINDS_MAX */
	struct probe_wish wish;
	uint64_t seed;
	uint8_t key[16]; /* of the cookies: secret, from the system's randomness */
	bool in_order;
	uint16_t sport_first; /* held: sweep_sports(config) of them */
	bool sport_fixed;     /* -g: one port for all kinds and tries */
	double rate;	      /* packets/s; 0 auto; INFINITY max */
	double rate_limit;    /* of auto; 0: none */
	int retries;	      /* RETRIES_AUTO or 0 .. RETRIES_MAX */
	uint64_t rto_max_ns;  /* -T */
	uint64_t deadline_ns; /* duration of the whole run; 0 none */
	uint64_t window;      /* indices a window at most; 0: 2^24 / n_kinds */
	/* --shard: places of the permutation, first to end - 1; end 0: all of them */
	uint64_t first_place, end_place;
	const struct sweep_known *known; /* --resume; NULL: nothing */
	bool skip_dead; /* of hosts that keep silent only a handful of ports is asked, */
	bool (*likely)(uint16_t port); /* and those; NULL: no others */
	bool last_use;		       /* nothing follows on this wire */
	unsigned lanes;		       /* sender threads; 0 or 1: none, this one sends */
	bool want_closed; /* false: nobody asks for closed ports, so a reset limit costs no time */
	bool enumerate_silent; /* list silent ports of every host (few hosts asked for) */
	/* Called for every segment sent and every reply matched, for -w; may be NULL. */
	void (*evidence)(void *ctx, uint64_t at_ns, const uint8_t *ip, size_t captured, size_t len);
	void *evidence_ctx;
};

/* The I-th of n parts of `total` places, i from 1: disjoint, and together all. */
void sweep_shard(uint64_t total, uint64_t i, uint64_t n, uint64_t *first, uint64_t *end);
/* How many consecutive source ports the sweep needs (held before it starts). */
unsigned sweep_sports(size_t n_kinds, int retries, bool fixed);

/* Runs to the end. 0, with the summary given to the sink (and copied to `out`), also where the run
 * ended early: see its `end`. -1 and `e` only where memory or libnet fails before the first probe.
 */
int sweep_run(const struct sweep_config *c, struct wire *w, const struct record_sink *sink,
	      struct summary_record *out, struct err *e);

#endif
