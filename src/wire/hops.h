/*
 * hops: how the next hop of a packet is to be sent to just now: by a frame of ours, by the kernel,
 * or not. What can't be sent at once must hold up nothing else: a neighbour that is not yet known
 * gets a few packets, not so many that the kernel's queues are full of them, and only so many
 * neighbours are asked for at a time, because the kernel's table has a limit.
 */
#ifndef WIRE_HOPS_H
#define WIRE_HOPS_H

#include <stdbool.h>
#include <stdint.h>

#include "base/err.h"
#include "wire/neigh.h"
#include "wire/wire.h"

enum hop {
	HOP_FRAME,  /* to `mac` */
	HOP_KERNEL, /* by the raw way, so that the kernel asks, or confirms what it knows */
	HOP_WAIT,   /* EAGAIN: being asked for, or others are and it is not its turn */
	HOP_NOBODY, /* EHOSTUNREACH: asked for, and nobody answered */
};

struct hops;

/* Both are borrowed. */
struct hops *hops_new(const struct path *p, const struct neighs *n, struct err *e);
void hops_free(struct hops *h);
/* One gateway for all: what is asked of one packet holds for those that leave with it. */
bool hops_one(const struct hops *h);
/* From any thread. A packet for which it says HOP_KERNEL is expected to be sent. */
enum hop hops_ask(struct hops *h, const struct wire_out *o, uint64_t now_ns, uint8_t mac[6]);

/* The interface's own address; false where it is no Ethernet whose neighbours are asked for. */
bool hops_ethernet(const struct path *p, uint8_t mac[6]);

#endif
