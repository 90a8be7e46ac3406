/*
 * witness: watches a run of `provoke` from aside: every frame of both directions, in order. It
 * hands them to judge/explain, keeps of each of our ports the first segments and the last, and in
 * the end picks the RST that a verdict rests on, or the segments that stand for its lack.
 * Pure; its memory is bounded and taken at the start.
 */
#ifndef JUDGE_WITNESS_H
#define JUDGE_WITNESS_H

#include <stddef.h>
#include <stdint.h>

#include "judge/finding.h"
#include "judge/provoke.h"
#include "packet/decode.h"

struct witness;

/* Of the service at `addr`, `port`; `seed` must be secret. NULL where memory is out. */
struct witness *witness_new(const struct addr *addr, uint16_t port, uint64_t seed);
void witness_free(struct witness *w);

/* `number` as in the file of -w, from 1. `at_ns` is the wire's clock, as in the facts: what this
 * module hands out has it as wall_ns, which makes differences right, and no date. Frames of others
 * than the service and us are ignored. */
void witness_packet(struct witness *w, uint32_t number, uint64_t at_ns, const struct packet *p);
/* What is shown; borrowed from the witness, until it is freed. */
struct witnessed {
	/* The service's RST that the verdict rests on; NULL: it rests on none, or none was seen. */
	const struct finding *finding;
	/* The first segments and the last ones of the connection that the verdict is about, X being
	 * the service; at most LADDER_MAX. */
	const struct seen *ladder;
	size_t n_ladder;
	struct addr us; /* our address; family ADDR_NONE: no frame was seen */
	/* The numbers of the frames of the finding's ladder, or of this one; ascending. */
	const uint32_t *frames;
	size_t n_frames;
};
/* The end of the frames: RSTs that wait are judged. */
void witness_end(struct witness *w, const struct provoke_facts *f, const struct provoke_verdict *v,
		 struct witnessed *out);

#endif
