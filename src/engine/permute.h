/*
 * permute: a keyed permutation of [0, n) with its inverse: a Feistel network on the smallest
 * number of bits that holds n, walked until the result is inside (a format-preserving cipher).
 * Not for secrecy: for an order that spreads over targets and ports, the same for the same seed.
 */
#ifndef ENGINE_PERMUTE_H
#define ENGINE_PERMUTE_H

#include <stdbool.h>
#include <stdint.h>

struct permute {
	uint64_t n;
	unsigned right_bits;
	uint32_t left_mask, right_mask;
	uint32_t key[4];
	bool identity; /* --in-order */
};

void permute_init(struct permute *p, uint64_t n, uint64_t seed, bool in_order); /* 0 < n <= 2^62 */
uint64_t permute_at(const struct permute *p, uint64_t i);			/* place -> index */
uint64_t permute_inverse(const struct permute *p, uint64_t x);			/* index -> place */

#endif
