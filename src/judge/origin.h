/*
 * origin: do the RSTs of a host come from the stack that sent its SYN-ACK, or from a box in the
 * path? By distance and by shape. Later parts build on the same judge.
 */
#ifndef JUDGE_ORIGIN_H
#define JUDGE_ORIGIN_H

#include <stdbool.h>

#include "judge/exchange.h"
#include "judge/verdict.h"

/* What differs between two replies that one stack would send alike; bits. */
enum origin_differs {
	DIFFERS_DISTANCE = 1, /* the TTLs began alike and came in unequal: not one place */
	DIFFERS_TTL = 2,      /* the initial TTLs differ: 64 against 128 */
	DIFFERS_DF = 4,	      /* IPv4 */
	DIFFERS_ACK_BIT = 8,
	DIFFERS_ACK_RULE = 16, /* of the ack field: 0, from our numbers, other */
};

/* The same-stack test: RST to the ACK at the open port against RST to the ACK at a closed one (or
 * to the SYN there: then only TTL and DF are compared). 0: nothing speaks for two. */
unsigned origin_compare(const struct exchange *open_rst, const struct exchange *closed_rst);
/* A RST against a SYN-ACK of the same host: only the distance is evidence, since many stacks send
 * RSTs with an initial TTL or DF of their own. */
unsigned origin_compare_syn_ack(const struct exchange *syn_ack, const struct exchange *rst);
/* ENDPOINT, MIDDLEBOX or UNKNOWN (nothing to compare with) from those bits. */
enum origin origin_of(unsigned differs, bool compared);

#endif
