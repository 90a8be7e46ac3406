/*
 * seq: TCP sequence numbers are compared modulo 2^32 (RFC 9293, 3.4), only here.
 * Values more than 2^31 - 1 apart have no order; callers never ask.
 */
#ifndef BASE_SEQ_H
#define BASE_SEQ_H

#include <stdbool.h>
#include <stdint.h>

static inline int32_t seq_diff(uint32_t a, uint32_t b)
{
	return (int32_t)(a - b);
}

static inline bool seq_lt(uint32_t a, uint32_t b)
{
	return seq_diff(a, b) < 0;
}

static inline bool seq_leq(uint32_t a, uint32_t b)
{
	return seq_diff(a, b) <= 0;
}

static inline bool seq_gt(uint32_t a, uint32_t b)
{
	return seq_diff(a, b) > 0;
}

static inline bool seq_geq(uint32_t a, uint32_t b)
{
	return seq_diff(a, b) >= 0;
}

/* first <= s < first + size, modulo 2^32 */
static inline bool seq_in_window(uint32_t s, uint32_t first, uint32_t size)
{
	return s - first < size;
}

#endif
