/*
 * permute: a Feistel network over two halves of equal width, cycle-walked into [0, n). It decides
 * the order in which a run visits its indices. It does not know what an index stands for, and it
 * keeps nothing secret: the cookies (engine/cookie.h) do that.
 */
#include "engine/permute.h"

#include <assert.h>
#include <stddef.h>

enum { ROUNDS = sizeof(((struct permute *)0)->key) / sizeof(uint32_t) };

/* splitmix64 (Steele, Lea, Flood 2014): neighbouring seeds give unrelated keys. */
static uint64_t next_key(uint64_t *state)
{
	uint64_t z = *state += UINT64_C(0x9e3779b97f4a7c15);

	z = (z ^ (z >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
	z = (z ^ (z >> 27)) * UINT64_C(0x94d049bb133111eb);
	return z ^ (z >> 31);
}

/* The finalizer of MurmurHash3: every bit of the half and of the key reaches every bit. */
static uint32_t round_of(uint32_t half, uint32_t key)
{
	uint32_t x = half ^ key;

	x = (x ^ (x >> 16)) * UINT32_C(0x85ebca6b);
	x = (x ^ (x >> 13)) * UINT32_C(0xc2b2ae35);
	return x ^ (x >> 16);
}

static uint64_t forth(const struct permute *p, uint64_t x)
{
	uint32_t mask = (uint32_t)((UINT64_C(1) << p->half_bits) - 1);
	uint32_t left = (uint32_t)(x >> p->half_bits);
	uint32_t right = (uint32_t)x & mask;

	for (size_t i = 0; i < ROUNDS; i++) {
		uint32_t next = left ^ (round_of(right, p->key[i]) & mask);

		left = right;
		right = next;
	}
	return (uint64_t)left << p->half_bits | right;
}

static uint64_t back(const struct permute *p, uint64_t x)
{
	uint32_t mask = (uint32_t)((UINT64_C(1) << p->half_bits) - 1);
	uint32_t left = (uint32_t)(x >> p->half_bits);
	uint32_t right = (uint32_t)x & mask;

	for (size_t i = ROUNDS; i-- > 0;) {
		uint32_t before = right ^ (round_of(left, p->key[i]) & mask);

		right = left;
		left = before;
	}
	return (uint64_t)left << p->half_bits | right;
}

void permute_init(struct permute *p, uint64_t n, uint64_t seed, bool in_order)
{
	assert(n > 0 && n <= UINT64_C(1) << 62);
	*p = (struct permute){.n = n, .half_bits = 1, .identity = in_order};
	/* At most four times n, so that a walk takes less than four steps on average. */
	while (UINT64_C(1) << (2 * p->half_bits) < n)
		p->half_bits++;
	for (size_t i = 0; i < ROUNDS; i++)
		p->key[i] = (uint32_t)(next_key(&seed) >> 32);
}

uint64_t permute_at(const struct permute *p, uint64_t i)
{
	assert(i < p->n);
	if (p->identity)
		return i;
	/* The walk starts inside [0, n), so its cycle comes back inside: it ends. */
	do
		i = forth(p, i);
	while (i >= p->n);
	return i;
}

uint64_t permute_inverse(const struct permute *p, uint64_t x)
{
	assert(x < p->n);
	if (p->identity)
		return x;
	do
		x = back(p, x);
	while (x >= p->n);
	return x;
}
