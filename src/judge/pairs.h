/*
 * pairs: numbers what we sent in the order of its leaving, and names for each reply the probe that
 * it answers. Pure; it remembers so many probes and no more, so a reply that comes much later has
 * none.
 */
#ifndef JUDGE_PAIRS_H
#define JUDGE_PAIRS_H

#include <stdbool.h>
#include <stdint.h>

#include "packet/decode.h"

enum { PAIRS_KEPT = 1 << 17 };

struct pairs;

/* Ours is what comes from these source ports. NULL: no memory. */
struct pairs *pairs_new(uint16_t first_port, unsigned n_ports);
void pairs_free(struct pairs *p);

/* Who a frame is to do with; the last five are the probe's. */
struct paired {
	bool ours;	 /* we sent it */
	uint64_t number; /* the probe's, from 1; 0: a reply to none that is remembered */
	struct addr far;
	uint16_t far_port, our_port;
	uint32_t seq;
	uint8_t ttl;
};
/* The next frame: a segment, or an ICMP error that quotes ports; false: neither. */
bool pairs_take(struct pairs *p, const struct packet *pk, struct paired *out);

#endif
