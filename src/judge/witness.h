/*
 * witness: watches a run of `provoke` from aside: every frame of both directions, in order. It
 * hands them to judge/explain, keeps of each of our ports the first segments and the last, and in
 * the end picks the RST that a verdict rests on, or the segments that stand for its lack.
 * Pure; its memory is bounded and taken at the start.
 *
 *	struct witness *w = witness_new(&addr, port, seed);
 *	witness_packet(w, number, at_ns, pk);		each frame, as stage_config.witness tells it
 *	witness_end(w);					before anything is asked
 *	record.finding = witness_finding(w, &verdict);
 *	record.ladder = witness_ladder(w, &verdict, &record.n_ladder);
 *	record.frames = witness_frames(w, &verdict, &record.n_frames);
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
/* The end of the frames: RSTs that wait are judged. */
void witness_end(struct witness *w);

/* The service's RST that `v` rests on; NULL: it rests on none, or none was seen. It and its ladder
 * are valid until witness_free. */
const struct finding *witness_finding(const struct witness *w, const struct provoke_verdict *v);
/* The first segments and the last ones of the connection that `v` is about, X being the service;
 * at most LADDER_MAX. For where there is no finding. Valid until the next call. */
const struct seen *witness_ladder(struct witness *w, const struct provoke_verdict *v, size_t *n);
/* The numbers of the frames of either, ascending. Valid until the next call. */
const uint32_t *witness_frames(struct witness *w, const struct provoke_verdict *v, size_t *n);

#endif
