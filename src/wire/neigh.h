/*
 * neigh: the kernel's own table of neighbours (ARP, ND), followed by rtnetlink, so that a frame can
 * carry the right address without a protocol of ours. Lookups are made by any thread and take no
 * lock; news is read by one. Needs no privilege. Linux only, in this file.
 */
#ifndef WIRE_NEIGH_H
#define WIRE_NEIGH_H

#include <stdbool.h>
#include <stdint.h>

#include "base/addr.h"
#include "base/err.h"

enum neigh_state {
	NEIGH_UNKNOWN, /* never heard of, or forgotten: a packet sent the kernel's way makes it ask
			*/
	NEIGH_ASKED,   /* the kernel is asking */
	NEIGH_KNOWN,   /* mac is right as far as the kernel knows */
	NEIGH_FAILED,  /* asked, and nobody answered */
};

struct neigh {
	enum neigh_state state;
	uint8_t mac[6];
	unsigned failures; /* times that it came to NEIGH_FAILED since neigh_open */
};

struct neighs;

struct neighs *neighs_open(struct err *e); /* begins with a dump of the table */
void neighs_close(struct neighs *n);
int neighs_fd(const struct neighs *n); /* readable where there is news */
/* Takes in what is there and never waits. `fn` (may be NULL) is told of each notice, be it that a
 * neighbour failed once more. */
typedef void neigh_fn(void *ctx, uint32_t ifindex, const struct addr *a, const struct neigh *now);
void neighs_read(struct neighs *n, neigh_fn *fn, void *ctx);
/* From any thread, at any time. */
struct neigh neighs_find(const struct neighs *n, uint32_t ifindex, const struct addr *a);

#endif
