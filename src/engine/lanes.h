/*
 * lanes: who hands batches to wire.send. With one lane the caller's own thread does, before
 * lanes_send returns: that is how tests run in virtual time. With more, that many threads do, each
 * by a lane of its own, and what became of a batch is learnt later. A thread touches its batch and
 * wire.send, nothing else: every rule of the sweep stays in one thread.
 */
#ifndef ENGINE_LANES_H
#define ENGINE_LANES_H

#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "wire/wire.h"

enum { BATCH_MAX = 64 };

struct batch {
	struct wire_out v[BATCH_MAX];
	uint64_t slot[BATCH_MAX]; /* the caller's own */
	uint8_t *octets;	  /* BATCH_MAX rooms, batch_room() */
	unsigned n;
	uint8_t try; /* the caller's own */
	/* The clock just before its first packet left, as soon as that is known; 0 until then. */
	_Atomic uint64_t at_ns;
	/* private: */
	struct batch *next;
	unsigned place;
};

struct lanes;

/* `packet_max`: octets of the longest packet. With n = 1 this thread sends, by lane 0 of the wire.
 * With more, n threads send by lanes 0 .. n - 1, and this one by lane n where it sends `here`: so
 * the wire needs n + 1. Where it has fewer lanes, or threads can't be had, there are fewer threads.
 * NULL and `e`: no memory. */
struct lanes *lanes_new(struct wire *w, unsigned n, size_t packet_max, struct err *e);
void lanes_free(struct lanes *l); /* waits for what is on its way; nothing is lost but its fate */

/* Where packet i of the batch goes: WIRE_HEADROOM octets before it are free for the wire. */
uint8_t *batch_room(const struct lanes *l, const struct batch *b, unsigned i);

/* An empty batch; NULL where all are on their way. */
struct batch *lanes_take(struct lanes *l);
/* Hands a batch over. `here`: this thread sends it, before the function returns (few packets, at an
 * exact time); never while others are on their way would its order matter. */
void lanes_send(struct lanes *l, struct batch *b, bool here);
/* A batch that has left, errors set; NULL where there is none now. Give it back when read. One that
 * was taken may be given back without being sent. */
struct batch *lanes_done(struct lanes *l);
void lanes_give(struct lanes *l, struct batch *b);
/* Batches handed over and not yet given back by lanes_done: the i-th, i < lanes_flying, in no
 * order. Only to read slot, n and at_ns. */
unsigned lanes_flying(const struct lanes *l);
const struct batch *lanes_flying_at(const struct lanes *l, unsigned i);
unsigned lanes_count(const struct lanes *l); /* threads; 1 where this one sends */

#endif
